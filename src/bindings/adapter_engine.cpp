#include "bindings/adapter_engine.h"

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
  adapter_->attr("check_settings")(settings);
}

bool AdapterEngine::is_failure(const std::exception& error) const {
  const py::gil_scoped_acquire gil;
  const auto* raised = dynamic_cast<const py::error_already_set*>(&error);
  return raised == nullptr || raised->matches(PyExc_Exception);  // KeyboardInterrupt is none
}

}  // namespace tracejet::python
