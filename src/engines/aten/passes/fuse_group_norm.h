#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// Group norm, with SiLU behind it, in kernels of our own that take channels last, where convolutions give them so: see
/// fusion/group_norm_op.h. PyTorch's copies what goes into it.
void fuse_group_norm(Graph& graph);

inline constexpr Pass kFuseGroupNorm{"fuse_group_norm", fuse_group_norm};

}  // namespace tracejet::aten
