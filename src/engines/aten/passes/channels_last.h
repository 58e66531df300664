#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// Two-dimensional convolutions of GPUs in half precision compute with the channels last in memory, which is how their
/// tensor cores take them. Weights are laid out so; what is computed from such a convolution follows, up to the
/// program's results, which lie as they did.
void use_channels_last(Graph& graph);

inline constexpr Pass kUseChannelsLast{"use_channels_last", use_channels_last};

}  // namespace tracejet::aten
