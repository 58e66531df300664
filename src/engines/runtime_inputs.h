#pragma once

#include <cstddef>
#include <vector>

#include "ir/graph.h"

namespace tracejet {

/// The inputs of a graph that exist when it runs, as indices into Graph::inputs(), ascending: the user's tensors, and
/// the buffers that the program itself changes. All others are weights, which an engine may fold and repack.
using RuntimeInputs = std::vector<size_t>;

RuntimeInputs runtime_inputs_of(const Graph& graph);

/// Whether running a graph gives a value for this output. What is fixed or follows from the sizes of inputs is known
/// without an engine.
bool is_computed(const GraphOutput& output);

}  // namespace tracejet
