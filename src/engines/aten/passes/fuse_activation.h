#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// A product with a bias and what bends it, ReLU or the GELU that is made of tanh, as one call of cuBLAS's, in which
/// the bias is added and the result bent before it is rounded.
void fuse_activation(Graph& graph);

inline constexpr Pass kFuseActivation{"fuse_activation", fuse_activation};

}  // namespace tracejet::aten
