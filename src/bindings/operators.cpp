#include <torch/csrc/utils/pybind.h>

#include "bindings/bindings.h"
#include "lowering/onnx/conversion.h"
#include "ops/operator.h"
#include "ops/operator_names.h"

namespace tracejet {

void bind_operators(py::module_& module) {
  py::class_<Operator>(module, "Operator", "What the table knows of one operator overload.")
      .def_property_readonly("name", [](const Operator& self) { return std::string(self.name); })
      .def_property_readonly("has_shape_rule", [](const Operator& self) { return self.meta != nullptr; })
      .def_property_readonly(
          "is_decomposed", [](const Operator& self) { return self.decompose != nullptr && !self.kept_by_default; },
          "In the set \"tensorrt\".")
      .def_property_readonly("has_decomposition", [](const Operator& self) { return self.decompose != nullptr; })
      .def_property_readonly("has_conversion", [](const Operator& self) {
        return onnx::find_conversion(parse_operator_name(self.name)) != nullptr;
      });

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
