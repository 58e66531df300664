#pragma once

#include <memory>

#include "engines/engine.h"
#include "graph/graph.h"

namespace tracejet::aten {

/// Runs the graph as it is, operator by operator, through PyTorch's dispatcher: what no other engine takes. Values are
/// freed after their last use.
/// Throws UnsupportedOperator, listing every operator that has no kernel for the program's device.
std::unique_ptr<Executable> prepare(std::shared_ptr<const Graph> graph, const Feeds& feeds);

}  // namespace tracejet::aten
