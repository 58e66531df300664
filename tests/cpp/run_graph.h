#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "ir/graph.h"

namespace tracejet::testing {

/// Runs a graph node by node on the tensors that it was traced with; symbolic numbers take their example's value.
/// Gives the tensors that it returns, without those it writes to its inputs.
std::vector<at::Tensor> run_on_example(const Graph& graph, const std::vector<at::Tensor>& inputs);

}  // namespace tracejet::testing
