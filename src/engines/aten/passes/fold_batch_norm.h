#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// A convolution with the weights of the batch norm that follows it: the norm of an evaluated model multiplies and
/// adds numbers that are fixed.
void fold_batch_norm(Graph& graph);

inline constexpr Pass kFoldBatchNorm{"fold_batch_norm", fold_batch_norm};

}  // namespace tracejet::aten
