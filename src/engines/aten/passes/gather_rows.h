#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// Calls that only move rows along the last axis (slices that are put together again, as `torch.roll` makes them,
/// permutations, reshapes) and copy them more than once are one `index_select` of rows. Which row goes where is
/// computed ahead, by the same calls on the rows' numbers; for tensors whose sizes are known.
void gather_rows(Graph& graph);

inline constexpr Pass kGatherRows{"gather_rows", gather_rows};

}  // namespace tracejet::aten
