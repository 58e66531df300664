#include "support.h"

namespace tracejet::testing {

TensorMeta meta_of(const at::Tensor& tensor) {
  TensorMeta meta;
  meta.sizes.append(tensor.sizes().begin(), tensor.sizes().end());
  meta.strides.append(tensor.strides().begin(), tensor.strides().end());
  meta.storage_offset = tensor.storage_offset();
  meta.dtype = tensor.scalar_type();
  meta.device = tensor.device();
  return meta;
}

namespace {

bool is_tensor_list(const c10::IValue& argument) {
  if (argument.isTensorList()) return true;
  if (!argument.isList()) return false;
  for (const c10::IValue& element : argument.toListRef()) {
    if (element.isTensor() && element.toTensor().defined()) return true;
  }
  return false;
}

}  // namespace

Arguments::Arguments(const torch::jit::Stack& stack, const Describe& describe) {
  const auto add = [&](const at::Tensor& tensor) -> const Value* {
    return &values_.emplace_back(static_cast<int64_t>(values_.size()), describe(tensor));
  };
  for (const c10::IValue& argument : stack) {
    if (argument.isTensor() && argument.toTensor().defined()) {
      const at::Tensor& tensor = argument.toTensor();
      const bool is_number = tensor.unsafeGetTensorImpl()->is_wrapped_number();
      list_.push_back(is_number ? Argument(c10::IValue(tensor.item())) : Argument(add(tensor)));
    } else if (is_tensor_list(argument)) {
      std::vector<const Value*> list;
      for (const c10::IValue& element : argument.toListRef()) {
        const bool is_none = element.isNone() || !element.toTensor().defined();
        list.push_back(is_none ? nullptr : add(element.toTensor()));
      }
      list_.emplace_back(std::move(list));
    } else {
      list_.emplace_back(argument);
    }
  }
}

std::vector<at::Tensor> tensors_of(const torch::jit::Stack& results) {
  std::vector<at::Tensor> tensors;
  for (const c10::IValue& result : results) {
    if (result.isTensor()) tensors.push_back(result.toTensor());
    if (!result.isTensorList()) continue;
    for (const c10::IValue& element : result.toListRef()) tensors.push_back(element.toTensor());
  }
  return tensors;
}

torch::jit::Stack call(const c10::OperatorHandle& op, torch::jit::Stack arguments) {
  op.callBoxed(arguments);
  return arguments;
}

}  // namespace tracejet::testing
