#pragma once

#include <c10/core/DeviceType.h>

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// Query, key and value of one product, which are multiplied as batches of heads: `matmul` copies each of them to where
/// its heads lie one after the other. They are copied together before, as rows of 16 bytes; keys are then read the
/// other way round without a copy.
void copy_heads_once(Graph& graph);
/// The same for programs of any kind of device.
void copy_heads_once_of(Graph& graph, c10::DeviceType type);

inline constexpr Pass kCopyHeadsOnce{"copy_heads_once", copy_heads_once};

}  // namespace tracejet::aten
