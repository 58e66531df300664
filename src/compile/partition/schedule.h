#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "compile/partition/dependencies.h"

namespace tracejet {

/// Nodes that one engine runs one after the other.
struct ScheduledPart {
  size_t engine;
  std::vector<size_t> nodes;  ///< indices, in the order of execution
};

/// Puts nodes together in as few parts as an order of turns allows: engines take turns, and each node runs in the first
/// turn of its engine after all that it needs. So parts are as large as they can be, and no two need each other.
///
/// `engines`: of each node. `takes(engine, node)`: for assertions, which run wherever what they are about is known.
std::vector<ScheduledPart> schedule(std::span<const PlannedNode> nodes, std::span<const size_t> engines,
                                    size_t engine_count, const std::function<bool(size_t, size_t)>& takes);

}  // namespace tracejet
