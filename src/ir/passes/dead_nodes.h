#pragma once

#include "ir/passes/pass.h"

namespace tracejet {

/// Removes nodes whose outputs nobody needs. Nodes with effects (assertions, random numbers) stay.
void eliminate_dead_nodes(Graph& graph);

inline constexpr Pass kEliminateDeadNodes{"eliminate_dead_nodes", eliminate_dead_nodes};

}  // namespace tracejet
