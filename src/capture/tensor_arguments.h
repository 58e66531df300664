#pragma once

#include <optional>
#include <vector>

#include <ATen/core/List.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

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

}  // namespace tracejet
