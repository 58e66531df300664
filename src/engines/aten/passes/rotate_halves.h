#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// Halves that rotary embeddings swap, one of them negated, as one operator that a kernel can have among others.
void rotate_halves(Graph& graph);
/// The same for programs of any kind of device.
void rotate_halves_of(Graph& graph, c10::DeviceType type);

inline constexpr Pass kRotateHalves{"rotate_halves", rotate_halves};

}  // namespace tracejet::aten
