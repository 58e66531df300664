#pragma once

#include "ir/graph.h"

namespace tracejet {

/// Throws Error, naming the node, unless every value is defined before it is used, by one node or input; users() are
/// right; values say what they are; symbols are bound before they are read; outputs are there. So do subgraphs.
void verify_graph(const Graph& graph);

}  // namespace tracejet
