#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// A convolution of GPUs in half precision, what is added to it and the ReLU behind it: one call of cuDNN's.
void fuse_convolution_relu(Graph& graph);

inline constexpr Pass kFuseConvolutionRelu{"fuse_convolution_relu", fuse_convolution_relu};

}  // namespace tracejet::aten
