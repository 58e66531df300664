#pragma once

#include <memory>

#include <c10/core/ScalarType.h>

#include "ir/graph.h"

namespace tracejet::aten {

/// The program with products, convolutions and attention in a 16-bit dtype, and what only moves or combines their
/// results, too; their weights are converted. Float32 stay sums and statistics over many elements (norms, softmax,
/// means, losses), functions that leave a 16-bit dtype's range (powers, exponentials), weights and numbers that it
/// doesn't hold, and all that the program takes and gives.
std::shared_ptr<Graph> lower_precision(Graph& graph, at::ScalarType precision);

}  // namespace tracejet::aten
