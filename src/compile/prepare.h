#pragma once

#include <memory>

#include "ir/graph.h"

namespace tracejet {

/// Whether it is a number or table of a trace's own that only has to be brought to the program's device, which is
/// there.
bool can_be_moved(const GraphInput& input);

/// The program as engines get it: without what is computed twice, nobody needs, or follows from numbers alone. Inputs
/// keep their places, constants come behind them; outputs are the same. The original stays what it is.
std::shared_ptr<const Graph> prepared_for_engines(const Graph& graph);

}  // namespace tracejet
