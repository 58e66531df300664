#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// Programs of GPUs without the copies that attention layers make on the way between their products and attention
/// itself, which takes its operands in any layout: rows keep their order in products, axes are split before they are
/// moved, and nothing is copied for the sake of its layout alone.
void avoid_copies(Graph& graph);

inline constexpr Pass kAvoidCopies{"avoid_copies", avoid_copies};

}  // namespace tracejet::aten
