#pragma once

#include <optional>

#include <ATen/core/Tensor.h>
#include <c10/core/SymIntArrayRef.h>

namespace tracejet::decompositions {

/// aten::_convolution, which TorchScript programs call, is aten::convolution with switches for cuDNN.
at::Tensor internal_convolution(const at::Tensor& input, const at::Tensor& weight,
                                const std::optional<at::Tensor>& bias, c10::SymIntArrayRef stride,
                                c10::SymIntArrayRef padding, c10::SymIntArrayRef dilation, bool transposed,
                                c10::SymIntArrayRef output_padding, c10::SymInt groups, bool benchmark,
                                bool deterministic, bool cudnn_enabled, bool allow_tf32);

}  // namespace tracejet::decompositions
