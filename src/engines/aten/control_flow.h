#pragma once

#include <functional>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

namespace tracejet::aten {

/// A subgraph that is ready to run.
using Run = std::function<std::vector<at::Tensor>(std::vector<at::Tensor>)>;

/// Runs the subgraphs of a node as its operator says. `arguments` are the node's, in the order of its schema.
using ControlFlow = std::vector<at::Tensor> (*)(std::span<const Run> subgraphs, const torch::jit::Stack& arguments);

/// Throws Error where the operator is none of control flow.
ControlFlow control_flow_of(const c10::OperatorHandle& op);

}  // namespace tracejet::aten
