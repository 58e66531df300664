#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engines/runtime_sizes.h"
#include "ir/graph.h"

namespace tracejet {

/// Sizes to run a program at.
struct Trial {
  std::string name;  ///< "min", "opt" or "max"; "static" where no size varies
  std::vector<std::pair<std::string, int64_t>> dimensions;
  RuntimeSizes sizes;
};

/// The least, the usual and the greatest sizes of a program, each once. Where what it asserts of sizes excludes these,
/// the nearest that it takes; where an axis has no bound, twice the usual size. One that can't be found is left out.
std::vector<Trial> trials_of(const Graph& graph, const std::vector<std::string>& names);

}  // namespace tracejet
