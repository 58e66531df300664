#pragma once

#include "ir/graph.h"

namespace tracejet::inductor {

/// Whether enough calls that Inductor makes one of stand behind each other: elementwise ones, and those that fold axes
/// away.
bool is_promising(const Graph& graph);

}  // namespace tracejet::inductor
