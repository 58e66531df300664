#pragma once

#include <map>
#include <string>

#include "graph/graph.h"

namespace tracejet {

/// Whether `special`, a trace in which some sizes are numbers, surely computes what `general` computes at these sizes.
/// `sizes` gives the numbers by the names of general's symbols. Strides are of no concern, nor are views and copies in
/// which the tensor stays what it is. No is no proof of a difference.
bool computes_the_same(const Graph& general, const std::map<std::string, int64_t>& sizes, const Graph& special);

}  // namespace tracejet
