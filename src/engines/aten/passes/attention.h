#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// Attention in the form that fast kernels take: a mask that is causal, or hides nothing, is said to be so, and keys
/// and values that several heads share aren't copied for each of them. After masks are folded. Masks of GPUs that stay
/// are made numbers once, and not in each layer.
void simplify_attention(Graph& graph);

inline constexpr Pass kSimplifyAttention{"simplify_attention", simplify_attention};

}  // namespace tracejet::aten
