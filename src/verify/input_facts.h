#pragma once

#include <unordered_map>
#include <vector>

#include "ir/graph.h"

namespace tracejet {

/// What the numbers of an input stand for, as far as the program shows.
struct InputFacts {
  std::vector<c10::SymInt> indexes;  ///< they are positions on axes of these sizes
  bool is_mask = false;              ///< 0 or 1
};

/// Of the user's inputs of integers: follows them through what only rearranges them to what uses them.
std::unordered_map<const Value*, InputFacts> facts_of_inputs(const Graph& graph);

}  // namespace tracejet
