#pragma once

#include <optional>
#include <span>
#include <vector>

#include <ATen/core/List.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/stack.h>

#include "ir/schema.h"

namespace tracejet {

/// Replaces every defined tensor in an operator's argument or result by `map(tensor)`. Lists are rebuilt only when one
/// of their tensors changes.
template <typename Map>
void map_tensors(c10::IValue& value, Map&& map) {
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    if (!tensor.defined()) return;
    at::Tensor mapped = map(tensor);
    if (!mapped.is_same(tensor)) value = std::move(mapped);
  } else if (value.isTensorList()) {
    std::vector<at::Tensor> tensors = value.toTensorVector();
    bool changed = false;
    for (at::Tensor& tensor : tensors) {
      if (!tensor.defined()) continue;
      at::Tensor mapped = map(tensor);
      changed |= !mapped.is_same(tensor);
      tensor = std::move(mapped);
    }
    if (changed) value = c10::IValue(std::move(tensors));
  } else if (value.isOptionalTensorList()) {
    c10::List<std::optional<at::Tensor>> mapped;
    for (const std::optional<at::Tensor> tensor : value.toOptionalTensorList()) {
      const bool defined = tensor && tensor->defined();
      mapped.push_back(defined ? std::optional<at::Tensor>(map(*tensor)) : std::nullopt);
    }
    value = std::move(mapped);
  }
}

/// Calls `visit(tensor)` for every defined tensor in an operator's argument.
template <typename Visitor>
void for_each_tensor(const c10::IValue& value, Visitor&& visit) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) visit(value.toTensor());
  } else if (value.isTensorList()) {
    for (const at::Tensor& tensor : value.toTensorVector()) {
      if (tensor.defined()) visit(tensor);
    }
  } else if (value.isOptionalTensorList()) {
    for (const std::optional<at::Tensor> tensor : value.toOptionalTensorList()) {
      if (tensor && tensor->defined()) visit(*tensor);
    }
  }
}

/// A call's arguments, which are the last on the stack.
inline std::span<c10::IValue> arguments_on(torch::jit::Stack& stack, const c10::OperatorHandle& op) {
  return std::span(stack).last(op.schema().arguments().size());
}
inline std::span<const c10::IValue> arguments_on(const torch::jit::Stack& stack, const c10::OperatorHandle& op) {
  return std::span(stack).last(op.schema().arguments().size());
}

/// Calls `visit(tensor)` for every tensor that the call writes to.
template <typename Visitor>
void for_each_written(const c10::OperatorHandle& op, const torch::jit::Stack& stack, Visitor&& visit) {
  const auto& declared = op.schema().arguments();
  for (size_t i = 0; i < declared.size(); ++i) {
    if (is_written(declared[i])) for_each_tensor(arguments_on(stack, op)[i], visit);
  }
}

}  // namespace tracejet
