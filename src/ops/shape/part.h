#pragma once

#include <ATen/core/Tensor.h>

namespace tracejet::shape {

/// Requires a source that has just the sizes of the part of a tensor that it replaces, as PyTorch's scatters into
/// slices, selections and diagonals do: they broadcast nothing.
void require_part(const at::Tensor& src, c10::SymIntArrayRef replaced);

}  // namespace tracejet::shape
