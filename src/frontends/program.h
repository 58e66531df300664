#pragma once

#include <memory>

#include "frontends/model_trace.h"
#include "ir/graph.h"

namespace tracejet {

/// The graph as a new trace of it gives it, with the same inputs and outputs; see tracejet/program.h.
std::shared_ptr<Graph> retraced(const Graph& graph, const TraceSettings& settings);

}  // namespace tracejet
