#pragma once

#include <memory>

#include "ir/graph.h"

namespace tracejet {

/// The program as engines get it: without what is computed twice, nobody needs, or follows from numbers alone. Inputs
/// keep their places, constants come behind them; outputs are the same. The original stays what it is.
std::shared_ptr<const Graph> prepared_for_engines(const Graph& graph);

}  // namespace tracejet
