#include <torch/csrc/jit/python/pybind_utils.h>

#include "base/error.h"
#include "bindings/bindings.h"
#include "bindings/held_object.h"
#include "bindings/python_call.h"
#include "ir/schema.h"
#include <tracejet/decompositions.h>

namespace tracejet {

namespace py = pybind11;

namespace {

/// NotImplemented says that the function doesn't want the call, as for Python's own operators.
DecompositionTable::Function boxed(py::function function) {
  return [function = python::held(std::move(function))](const c10::OperatorHandle& op, torch::jit::Stack& stack) {
    const py::gil_scoped_acquire gil;
    const size_t count = op.schema().arguments().size();
    const auto [args, kwargs] = python::call_arguments(op, torch::jit::last(stack, count));
    const py::object result = (*function)(*args, **kwargs);
    if (result.is(py::reinterpret_borrow<py::object>(Py_NotImplemented))) return false;
    torch::jit::Stack results = python::call_results(op, result);
    torch::jit::drop(stack, count);
    stack.insert(stack.end(), results.begin(), results.end());
    return true;
  };
}

}  // namespace

void bind_decompositions(py::module_& module) {
  py::enum_<DecompositionSet>(module, "DecompositionSet")
      .value("tensorrt", DecompositionSet::kTensorRT)
      .value("core_aten", DecompositionSet::kCoreAten)
      .value("none", DecompositionSet::kNone);

  py::class_<DecompositionTable>(module, "DecompositionTable")
      .def(py::init<DecompositionSet>(), py::arg("set"))
      .def(py::init<const DecompositionTable&>(), py::arg("table"))
      .def("keep", &DecompositionTable::keep, py::arg("op"))
      .def("expand", &DecompositionTable::expand, py::arg("op"))
      .def(
          "replace",
          [](DecompositionTable& self, std::string_view op, py::function function, std::string why, bool is_slow) {
            self.replace_boxed(op, boxed(std::move(function)), std::move(why), is_slow);
          },
          py::arg("op"), py::arg("function"), py::kw_only(), py::arg("why"), py::arg("is_slow") = false)
      .def("expand_attention", &DecompositionTable::expand_attention, py::arg("use_fp32_acc"))
      .def_static("can_expand", &DecompositionTable::can_expand, py::arg("op"))
      .def(
          "decision",
          [](const DecompositionTable& self, std::string_view op) {
            const Decision decision = self.decision(op);
            return std::pair{std::string(decision.str()), std::string(decision.why)};
          },
          py::arg("op"), "What happens to an operator, and why.")
      .def("operators",
           [](const DecompositionTable& self) {
             std::vector<std::string> names;
             for (const auto& op : self.operators()) names.push_back(full_name(op));
             return names;
           })
      .def("__str__", &DecompositionTable::str);
}

}  // namespace tracejet
