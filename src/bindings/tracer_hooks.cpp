#include "bindings/tracer_hooks.h"

#include <torch/csrc/PyInterpreter.h>
#include <torch/csrc/autograd/python_variable.h>
#include <torch/csrc/utils/pybind.h>
#include <torch/csrc/utils/python_symnode.h>

namespace tracejet::python {

namespace {

/// Python's argument parser leaves the symbolic number on the tensor that it makes of `x * size`.
std::optional<c10::IValue> symbolic_number(const at::Tensor& tensor) {
  const py::gil_scoped_acquire gil;
  const py::object object = py::reinterpret_steal<py::object>(THPVariable_Wrap(tensor));
  const py::object number = py::getattr(object, "_wrapped_number", py::none());
  if (torch::is_symint(number)) return number.cast<c10::SymInt>();
  if (torch::is_symfloat(number)) return number.cast<c10::SymFloat>();
  if (torch::is_symbool(number)) return number.cast<c10::SymBool>();
  return std::nullopt;
}

/// Python's SymFloat and SymBool come as wrappers round the objects that stand for our nodes.
c10::SymNode unwrapped(const c10::SymNode& node) {
  const auto* wrapper = dynamic_cast<torch::impl::PythonSymNodeImpl*>(node.get());
  if (wrapper == nullptr) return node;
  const py::gil_scoped_acquire gil;
  const py::handle object = wrapper->getPyObj();
  return py::isinstance<c10::SymNodeImpl>(object) ? object.cast<c10::SymNode>() : node;
}

/// Such a wrapper of a node of ours: PyTorch's bindings give no other SymFloat to Python.
c10::SymNode wrapped(const c10::SymNode& node) {
  const py::gil_scoped_acquire gil;
  return c10::make_intrusive<torch::impl::PythonSymNodeImpl>(py::cast(node));
}

/// The answer without which Python raises as soon as it has got it.
std::optional<bool> needed_truth() {
  const py::gil_scoped_acquire gil;
  return py::module_::import("tracejet.frontend.branch_bytecode").attr("needed_truth")().cast<std::optional<bool>>();
}

std::string class_of(const at::Tensor& tensor) {
  const py::gil_scoped_acquire gil;
  const py::object object = py::reinterpret_steal<py::object>(THPVariable_Wrap(tensor));
  return py::str(py::type::of(object).attr("__qualname__"));
}

bool lacks_fake(const std::string& name) {
  if (name.starts_with("aten::")) return false;
  const py::gil_scoped_acquire gil;
  return py::module_::import("tracejet.patches.custom_operators").attr("lacks_fake")(name).cast<bool>();
}

}  // namespace

FrontendHooks tracer_hooks() {
  return {&symbolic_number, &unwrapped, &wrapped, &needed_truth, &class_of, &lacks_fake, getPyInterpreter()};
}

}  // namespace tracejet::python
