#pragma once

#include <vector>

#include "ir/graph.h"
#include "symbolic/expression.h"

namespace tracejet {

/// The symbols that the subgraphs of a node need and that neither their inputs nor their own nodes tell: who runs them
/// has to pass their values in. In the order in which they were made.
std::vector<symbolic::Symbol> symbols_from_around(const Node& node);

/// The symbols of which a node needs to know the values when it runs: those of its arguments, and the above. Some may
/// come more than once.
std::vector<symbolic::Symbol> symbols_read_by(const Node& node);

}  // namespace tracejet
