#pragma once

#include <memory>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>

#include "engines/runtime_inputs.h"
#include "ir/graph.h"

namespace tracejet::aten {

/// `tracejet::recorded(Tensor[] inputs) -> Tensor[]`: what its one subgraph computes, in a recording of its own. The
/// weights of the subgraph come first among its inputs, and aren't passed.
c10::OperatorHandle recorded_op();
inline bool is_recorded(const Node& node) { return node.op() == recorded_op(); }

/// What a run passes to the subgraph of such a node.
RuntimeInputs passed_inputs(const Node& node);

/// Whether the last calls give what is too large to be copied out of a recording, and all others can be recorded.
bool gives_large_results_last(const Graph& graph, c10::Device device);

/// The program with each run of calls that can be recorded as such a node, where it is of so many kernels that a
/// recording pays. The last calls aren't where their results are large. Null where no run is long enough.
std::shared_ptr<const Graph> with_recorded_runs(const Graph& graph, c10::DeviceType type);

}  // namespace tracejet::aten
