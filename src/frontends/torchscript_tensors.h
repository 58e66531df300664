#pragma once

#include <optional>

#include <ATen/core/Tensor.h>
#include <ATen/core/stack.h>
#include <torch/csrc/jit/ir/ir.h>

namespace tracejet::torchscript {

/// What `torch.tensor` and `torch.as_tensor` give of lists of numbers, and of numbers that are symbolic. Nothing where
/// the node is something else.
std::optional<at::Tensor> made_of_numbers(const torch::jit::Node& node, const torch::jit::Stack& inputs);

}  // namespace tracejet::torchscript
