#include "capture/default_dtype.h"

#include <ATen/ops/_to_copy.h>
#include <c10/core/DefaultDtype.h>

#include "capture/tensor_arguments.h"
#include "capture/tracer.h"

namespace tracejet {

namespace {

/// What the call gives, if it is one tensor.
std::optional<at::ScalarType> dtype_of_result(Tracer& tracer, const c10::OperatorHandle& op,
                                              std::span<const c10::IValue> given) {
  std::vector<Argument> arguments;
  for (const c10::IValue& value : given) arguments.push_back(tracer.to_argument(value));
  const std::vector<OutputMeta> outputs = tracer.infer(Call(op, arguments));
  const auto* only = outputs.size() == 1 ? std::get_if<TensorMeta>(&outputs[0]) : nullptr;
  return only == nullptr ? std::nullopt : std::make_optional(only->dtype);
}

}  // namespace

void spell_out_default_dtype(Tracer& tracer, const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const at::ScalarType standard = c10::get_default_dtype_as_scalartype();
  if (standard == at::kFloat) return;
  const auto& declared = op.schema().arguments();
  const std::span<c10::IValue> given = arguments_on(stack, op);
  const auto result = dtype_of_result(tracer, op, given);
  if (result != standard) return;

  for (size_t i = 0; i < declared.size(); ++i) {
    if (declared[i].name() != "dtype") continue;
    if (given[i].isNone()) given[i] = standard;
    return;
  }
  bool only_integers = true;
  for (const c10::IValue& value : given) {
    for_each_tensor(value, [&](const at::Tensor& tensor) {
      only_integers &= at::isIntegralType(tensor.scalar_type(), /*includeBool=*/true);
    });
  }
  if (!only_integers) return;
  for (c10::IValue& value : given) {
    map_tensors(value, [&](const at::Tensor& tensor) {
      const bool is_number = tensor.unsafeGetTensorImpl()->is_wrapped_number();
      return is_number ? tensor : at::_to_copy(tensor, at::TensorOptions().dtype(standard));
    });
  }
}

}  // namespace tracejet
