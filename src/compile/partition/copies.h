#pragma once

#include <span>
#include <vector>

#include "compile/partition/dependencies.h"
#include "compile/partition/schedule.h"

namespace tracejet {

/// The nodes of a part, as indices, in the order of execution.
struct PartNodes {
  size_t engine;
  std::vector<size_t> nodes;
  /// Those of them that are computed for this part only.
  std::vector<size_t> copies;
};

/// What is computed from weights alone is computed in each part that needs it, as far as these are of one engine: it is
/// a constant there, which an engine folds, and needn't cross. Parts that are left without nodes are left out.
std::vector<PartNodes> with_copies(const Graph& graph, std::span<const PlannedNode> nodes,
                                   const std::vector<ScheduledPart>& parts);

}  // namespace tracejet
