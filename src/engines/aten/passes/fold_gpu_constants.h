#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// Computes masks, positions and the like ahead in programs for GPUs, where they follow from numbers and small weights.
void fold_gpu_constants(Graph& graph);

inline constexpr Pass kFoldGpuConstants{"fold_gpu_constants", fold_gpu_constants};

}  // namespace tracejet::aten
