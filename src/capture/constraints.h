#pragma once

#include <map>
#include <string>

#include "graph/graph.h"

namespace tracejet {

/// The inputs' axes that each symbol is the size of: "batch" -> "x[0], mask[0]".
using SymbolAxes = std::map<std::string, std::string>;

/// Adds the axes of one input.
void add_axes(SymbolAxes& axes, const std::string& input, const TensorMeta& meta);

/// Throws ConstraintViolation where the trace has assumed anything of its symbolic sizes that their ranges don't
/// promise: the program would be wrong at other sizes. The message lists every assumption with its source line.
void check_constraints(const Graph& graph, const SymbolAxes& axes);

}  // namespace tracejet
