#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/stack.h>

#include "ir/graph.h"

namespace tracejet::testing {

/// A program that is one call of an operator: the tensors among the arguments are its inputs, its results its outputs.
struct OneCall {
  std::shared_ptr<Graph> graph;
  std::vector<at::Tensor> inputs;
  std::vector<at::Tensor> eager;  ///< what PyTorch gives
};

/// `outputs`: how many of the results anybody reads.
OneCall one_call(const c10::OperatorHandle& op, const torch::jit::Stack& arguments, size_t outputs = SIZE_MAX);

}  // namespace tracejet::testing
