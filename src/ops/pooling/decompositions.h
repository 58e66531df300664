#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/SymIntArrayRef.h>

namespace tracejet::decompositions {

/// ATen's own composite reads the data of its input when no gradient is needed.
at::Tensor max_pool1d(const at::Tensor& self, at::IntArrayRef kernel_size, at::IntArrayRef stride,
                      at::IntArrayRef padding, at::IntArrayRef dilation, bool ceil_mode);
/// ATen's own composites restride channels-last results with as_strided.
at::Tensor adaptive_avg_pool2d(const at::Tensor& self, c10::SymIntArrayRef output_size);
at::Tensor adaptive_avg_pool3d(const at::Tensor& self, c10::SymIntArrayRef output_size);

}  // namespace tracejet::decompositions
