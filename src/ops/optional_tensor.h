#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

namespace tracejet::decompositions {

/// Whether an optional operand is there: absent ones come as nothing, or as undefined tensors.
inline bool given(const std::optional<at::Tensor>& tensor) { return tensor && tensor->defined(); }

}  // namespace tracejet::decompositions
