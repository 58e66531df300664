#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// Calls that a model, or a decomposition, spells out, as the operators that PyTorch has one kernel for: silu, rsqrt,
/// GELU by tanh.
void recompose(Graph& graph);

inline constexpr Pass kRecompose{"recompose", recompose};

}  // namespace tracejet::aten
