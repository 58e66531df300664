#include "bindings/bindings.h"
#include "bindings/inductor_engine.h"
#include "bindings/onnx_engine.h"
#include "bindings/python_engine.h"
#include "engines/registry.h"

namespace tracejet {

namespace py = pybind11;

namespace {

std::vector<std::pair<std::string, std::string>> names_and_fingerprints() {
  const py::gil_scoped_release no_gil;
  std::vector<std::pair<std::string, std::string>> found;
  for (EngineInfo& engine : engines()) found.emplace_back(std::move(engine.name), std::move(engine.fingerprint));
  return found;
}

}  // namespace

void bind_engine(py::module_& module) {
  module.def("engines", &names_and_fingerprints, "Of every engine that compiles, the default first.");
  module.def("default_engine", &default_engine, "The engine that runs a program where none is named.");
  module.def(
      "register_engine", [](const py::object& adapter) { register_engine(python::make_engine(adapter)); },
      py::arg("adapter"), "See tracejet.api.engine.Adapter.");
  module.def(
      "register_onnx_engine",
      [](const py::object& adapter) { register_default_engine(python::make_onnx_engine(adapter)); }, py::arg("adapter"),
      "An engine that reads ONNX and is asked by default: see tracejet.engines.tensorrt.engine.TensorRT.");
  module.def(
      "register_inductor_engine",
      [](const py::object& adapter) { register_engine(python::make_inductor_engine(adapter)); }, py::arg("adapter"),
      "See tracejet.engines.inductor.engine.Inductor.");
  module.def("unregister_engine", &unregister_engine, py::arg("name"), py::call_guard<py::gil_scoped_release>());
}

}  // namespace tracejet
