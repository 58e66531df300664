#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

namespace tracejet::aten {

/// `tracejet::rotate_half(Tensor self) -> Tensor`: (a, b) along the last axis as (-b, a), which rotary embeddings are
/// made of.
c10::OperatorHandle rotate_half_op();

}  // namespace tracejet::aten
