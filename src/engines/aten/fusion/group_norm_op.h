#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "engines/aten/fusion/kernels.h"

namespace tracejet::aten {

/// `tracejet::group_norm(Tensor input, Tensor? weight, Tensor? bias, int groups, float eps, bool silu) -> Tensor`:
/// group norm, and SiLU behind it where asked. PyTorch's kernels but for what `group_norm_by_kernels` takes.
c10::OperatorHandle group_norm_op();

/// What is asked of group norm.
struct GroupNorm {
  at::Tensor weight, bias;  ///< undefined: none
  int64_t groups;
  double eps;
  bool silu;
};

/// The same for images of 16-bit floats whose channels come last in memory, which those of the result do then, too:
/// one kernel for the moments of pieces, one that puts them together. nullopt where these kernels can't take it.
std::optional<at::Tensor> group_norm_by_kernels(KernelCache& kernels, const at::Tensor& input, const GroupNorm& norm);

}  // namespace tracejet::aten
