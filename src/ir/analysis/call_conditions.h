#pragma once

#include <vector>

#include "ir/assertion.h"
#include "ir/graph.h"

namespace tracejet {

/// What eager's kernels ask of sizes, and no shape rule does for it may not hold at some declared size: no tensor of
/// the graph has a negative one (`zeros(n - 1)` where n may be 0), no integers are divided by one that is 0. Empty
/// where all of it holds at every declared size. The messages say which call it is about. Bodies of control flow have
/// conditions of their own, for when they run.
std::vector<RuntimeAssertion> call_conditions(const Graph& graph);

/// Whether there are such conditions of this call of the graph: eager may refuse it, whoever reads its results.
bool may_be_refused(const Graph& graph, const Node& node);

}  // namespace tracejet
