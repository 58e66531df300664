#pragma once

#include <vector>

#include "ir/graph.h"

namespace tracejet {

/// The arguments of a call as people write them, by index: what stands for a default is left out, where that can be
/// done.
struct WrittenArguments {
  size_t positional = 0;        ///< the first ones, by position
  std::vector<size_t> keyword;  ///< by name
};

WrittenArguments written_arguments(const Node& node);

}  // namespace tracejet
