#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include "ir/graph.h"

namespace tracejet::aten {

/// `tracejet::fused(Tensor[] inputs) -> Tensor[]`: what its one subgraph computes, in one kernel where there is one.
c10::OperatorHandle fused_op();
inline bool is_fused(const Node& node) { return node.op() == fused_op(); }

}  // namespace tracejet::aten
