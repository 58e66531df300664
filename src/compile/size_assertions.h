#pragma once

#include <vector>

#include "ir/assertion.h"
#include "ir/graph.h"

namespace tracejet {

/// What has to hold of the sizes of a graph's inputs before it runs: what the program asserts, that no tensor has a
/// negative size, and, where `takes_ranks_from_data` isn't true of what runs it, that all ranks are those that were
/// traced.
std::vector<RuntimeAssertion> size_assertions(const Graph& graph, bool takes_ranks_from_data);

}  // namespace tracejet
