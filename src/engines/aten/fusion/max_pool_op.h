#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "engines/aten/fusion/kernels.h"

namespace tracejet::aten {

/// `tracejet::max_pool2d(Tensor input, int[2] kernel_size, int[2] stride, int[2] padding, int[2] dilation,
/// bool ceil_mode) -> Tensor`: without the places of the greatest. PyTorch's kernel but for what
/// `max_pool_by_kernel` takes.
c10::OperatorHandle max_pool_op();

/// What is asked of max pooling: of rows, then of columns.
struct MaxPool {
  std::array<int64_t, 2> kernel_size, stride, padding, dilation;
  bool ceil_mode;
};

/// The same for images of 16-bit floats whose channels come last in memory, as those of the result do then. nullopt
/// where the kernel can't take it.
std::optional<at::Tensor> max_pool_by_kernel(KernelCache& kernels, const at::Tensor& input, const MaxPool& pool);

}  // namespace tracejet::aten
