#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// Chains of operators that compute element by element, over tensors of the same sizes, as one kernel, with norms,
/// softmax and sums along the last axis among them: a fused node (fusion/fused_op.h). After all other passes.
void fuse_pointwise(Graph& graph);
/// The same for programs of any kind of device.
void fuse_pointwise_of(Graph& graph, c10::DeviceType type);

inline constexpr Pass kFusePointwise{"fuse_pointwise", fuse_pointwise};

}  // namespace tracejet::aten
