// PyTorch: aten/src/ATen/native/Convolution.cpp (_convolution).
#include "ops/convolution/decompositions.h"

#include <ATen/ops/convolution.h>

namespace tracejet::decompositions {

at::Tensor internal_convolution(const at::Tensor& input, const at::Tensor& weight,
                                const std::optional<at::Tensor>& bias, c10::SymIntArrayRef stride,
                                c10::SymIntArrayRef padding, c10::SymIntArrayRef dilation, bool transposed,
                                c10::SymIntArrayRef output_padding, c10::SymInt groups, bool, bool, bool, bool) {
  return at::convolution_symint(input, weight, bias, stride, padding, dilation, transposed, output_padding,
                                std::move(groups));
}

}  // namespace tracejet::decompositions
