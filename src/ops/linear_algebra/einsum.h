#pragma once

#include <string_view>

#include <ATen/core/Tensor.h>

namespace tracejet::decompositions {

/// ATen's kernel asks PyTorch's questions of sizes, whose answers may differ at sizes of 0 and 1: here, axes that share
/// a subscript in one operand are required to be equal, as eager requires it.
at::Tensor einsum(std::string_view equation, at::TensorList operands, at::OptionalIntArrayRef path);

}  // namespace tracejet::decompositions
