#pragma once

#include <vector>

#include "ir/graph.h"
#include "symbolic/expression.h"

namespace tracejet {

/// The symbols that the subgraphs of a node need and that neither their inputs nor their own nodes tell: who runs them
/// has to pass their values in. In the order in which they were made.
std::vector<symbolic::Symbol> symbols_from_around(const Node& node);

}  // namespace tracejet
