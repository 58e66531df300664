#include <torch/csrc/utils/pybind.h>

#include "bindings/bindings.h"
#include "bindings/python_call.h"
#include "ops/operator.h"
#include "ops/operator_names.h"

namespace tracejet {

namespace {

std::vector<std::pair<py::tuple, py::dict>> sample_calls(const Operator& entry) {
  std::vector<std::pair<py::tuple, py::dict>> calls;
  if (entry.samples == nullptr) return calls;
  const c10::OperatorHandle op = operator_named(entry.name);
  for (const torch::jit::Stack& arguments : entry.samples()) {
    auto [args, kwargs] = python::call_arguments(op, arguments);
    calls.emplace_back(std::move(args), std::move(kwargs));
  }
  return calls;
}

}  // namespace

void bind_operators(py::module_& module) {
  py::class_<Operator>(module, "Operator", "What the table knows of one operator overload.")
      .def_property_readonly("name", [](const Operator& self) { return std::string(self.name); })
      .def_property_readonly("has_shape_rule", [](const Operator& self) { return self.meta != nullptr; })
      .def_property_readonly(
          "is_decomposed", [](const Operator& self) { return self.decompose != nullptr && !self.is_kept_for_engines; },
          "In the set \"tensorrt\".")
      .def_property_readonly("has_decomposition", [](const Operator& self) { return self.decompose != nullptr; })
      .def_property_readonly("has_conversion", [](const Operator& self) { return static_cast<bool>(self.onnx); })
      .def("samples", &sample_calls, "Arguments of example calls, by position and by keyword.");

  module.def(
      "operators",
      [] {
        std::vector<const Operator*> entries;
        for (const auto table : operator_tables()) {
          for (const Operator& entry : table) entries.push_back(&entry);
        }
        return entries;
      },
      py::return_value_policy::reference, "Every entry of the operator tables, family by family.");
}

}  // namespace tracejet
