#pragma once

#include <vector>

#include "ir/assertion.h"
#include "ir/graph.h"

namespace tracejet {

/// Under which conditions on sizes no tensor of the graph has a negative one, which eager refuses: `zeros(n - 1)` where
/// n may be 0. Empty where none has at every declared size. The messages say which call it is about. Bodies of control
/// flow have conditions of their own, for when they run.
std::vector<RuntimeAssertion> sign_conditions(const Graph& graph);

/// Whether there are such conditions of this call of the graph: eager may refuse it, whoever reads its results.
bool may_have_negative_size(const Graph& graph, const Node& node);

}  // namespace tracejet
