#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// weight * (x / sqrt(mean(x^2) + eps)), which language models spell out in float32, as one kernel of GPUs. After
/// recompose().
void fuse_rms_norm(Graph& graph);

inline constexpr Pass kFuseRmsNorm{"fuse_rms_norm", fuse_rms_norm};

}  // namespace tracejet::aten
