#include "bindings/engine_cache.h"

#include "tracejet/engine_cache.h"

namespace tracejet {

namespace py = pybind11;

void bind_engine_cache(py::module_& module) {
  py::class_<CachedEngine>(module, "CachedEngine", "An entry of an engine cache in a folder.")
      .def_readonly("key", &CachedEngine::key)
      .def_readonly("engine", &CachedEngine::engine)
      .def_readonly("fingerprint", &CachedEngine::fingerprint)
      .def_readonly("version", &CachedEngine::version)
      .def_readonly("nodes", &CachedEngine::nodes)
      .def_readonly("refused", &CachedEngine::refused)
      .def_readonly("bytes", &CachedEngine::bytes)
      .def_readonly("last_used", &CachedEngine::last_used);
  module.def("default_engine_cache_dir", &default_engine_cache_dir);
  module.def("cached_engines", &cached_engines, py::arg("folder") = "", py::call_guard<py::gil_scoped_release>(),
             "What is in the engine cache of this folder, the latest used first.");
  module.def("clear_engine_cache", &clear_engine_cache, py::arg("folder") = "",
             py::call_guard<py::gil_scoped_release>(), "Removes all of it; gives what there was.");
}

}  // namespace tracejet
