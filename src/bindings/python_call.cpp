#include "bindings/python_call.h"

#include <ATen/core/jit_type.h>
#include <torch/csrc/jit/python/pybind_utils.h>

#include "base/error.h"
#include "bindings/typed_constant.h"

namespace tracejet::python {

CallArguments call_arguments(const c10::OperatorHandle& op, c10::ArrayRef<c10::IValue> arguments) {
  const auto& schema = op.schema().arguments();
  std::vector<py::object> positional;
  py::dict kwargs;
  for (size_t i = 0; i < schema.size(); ++i) {
    py::object argument = typed_constant(arguments[i], schema[i].real_type(), [](const c10::IValue& item) {
      return item.isTensor() && !item.toTensor().defined() ? py::none() : py::object();
    });
    if (schema[i].kwarg_only()) {
      kwargs[py::str(schema[i].name())] = argument;
    } else {
      positional.push_back(std::move(argument));
    }
  }
  py::tuple args(positional.size());
  for (size_t i = 0; i < positional.size(); ++i) args[i] = positional[i];
  return {std::move(args), std::move(kwargs)};
}

torch::jit::Stack call_results(const c10::OperatorHandle& op, const py::object& result) {
  const auto& returns = op.schema().returns();
  const auto convert = [&](const py::handle& object, const c10::Argument& declared) -> c10::IValue {
    if (object.is_none() && declared.type()->kind() == c10::TypeKind::TensorType) return at::Tensor();
    try {
      return torch::jit::toIValue(object, declared.type());
    } catch (const std::exception&) {
      throw UnsupportedOperator("is replaced by a Python function that returned a " +
                                    py::str(py::type::of(object)).cast<std::string>() + "; expected " +
                                    declared.type()->repr_str(),
                                ErrorCode::kReplacement);
    }
  };
  if (returns.empty()) return {};
  if (returns.size() == 1) return {convert(result, returns[0])};
  const bool is_sequence = py::isinstance<py::tuple>(result) || py::isinstance<py::list>(result);
  if (!is_sequence || py::len(result) != returns.size()) {
    throw UnsupportedOperator("is replaced by a Python function that returned a " +
                                  py::str(py::type::of(result)).cast<std::string>() + "; expected a tuple of " +
                                  std::to_string(returns.size()) + " results",
                              ErrorCode::kReplacement);
  }
  const py::tuple results(result);
  torch::jit::Stack stack;
  for (size_t i = 0; i < returns.size(); ++i) stack.push_back(convert(results[i], returns[i]));
  return stack;
}

}  // namespace tracejet::python
