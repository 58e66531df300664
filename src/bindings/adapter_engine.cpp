#include "bindings/adapter_engine.h"

#include "base/error.h"
#include "bindings/held_object.h"

namespace tracejet::python {

AdapterEngine::AdapterEngine(const py::object& adapter)
    : name_(adapter.attr("name").cast<std::string>()), adapter_(held(adapter)) {}

std::string AdapterEngine::fingerprint() const {
  const py::gil_scoped_acquire gil;
  return adapter_->attr("fingerprint")().cast<std::string>();
}

bool AdapterEngine::runs_on(c10::Device device) const {
  const py::gil_scoped_acquire gil;
  return adapter_->attr("runs_on")(device).cast<bool>();
}

void AdapterEngine::check_settings(const CompileSettings& settings) const {
  const py::gil_scoped_acquire gil;
  try {
    adapter_->attr("check_settings")(settings);
  } catch (const py::error_already_set& error) {
    // What other engines can make up for is told by its type.
    if (!error.matches(py::module_::import("tracejet._C").attr("InvalidInput"))) throw;
    throw InvalidInput(py::str(error.value()).cast<std::string>());
  }
}

bool AdapterEngine::is_failure(const std::exception& error) const {
  const py::gil_scoped_acquire gil;
  const auto* raised = dynamic_cast<const py::error_already_set*>(&error);
  return raised == nullptr || raised->matches(PyExc_Exception);  // KeyboardInterrupt is none
}

py::object AdapterEngine::view_of(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs) const {
  // Python only reads graphs, but pybind11 knows no pointers to const.
  return adapter().attr("view")(std::const_pointer_cast<Graph>(graph), inputs);
}

std::vector<Unsupported> AdapterEngine::refusals(const py::object& pairs) {
  std::vector<Unsupported> refused;
  for (const py::handle item : py::list(pairs)) {
    const auto pair = py::reinterpret_borrow<py::tuple>(item);
    refused.push_back({pair[0].cast<const Node*>(), pair[1].cast<std::string>()});
  }
  return refused;
}

}  // namespace tracejet::python
