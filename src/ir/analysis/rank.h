#pragma once

#include <vector>

#include "ir/assertion.h"
#include "ir/graph.h"

namespace tracejet {

/// Under which conditions on sizes all ranks are those that were traced: `squeeze` takes an axis away where it is 1.
/// Empty where they are so at every declared size. The messages say which call it is about.
std::vector<RuntimeAssertion> rank_conditions(const Graph& graph);

}  // namespace tracejet
