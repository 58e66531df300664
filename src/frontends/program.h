#pragma once

#include <memory>

#include "frontends/model_trace.h"
#include "ir/graph.h"

namespace tracejet {

/// The graph as a new trace of it gives it, with the same inputs and outputs; see tracejet/program.h. `hooks`: of the
/// language that asks.
std::shared_ptr<Graph> retraced(const Graph& graph, const TraceSettings& settings, const FrontendHooks& hooks = {});

}  // namespace tracejet
