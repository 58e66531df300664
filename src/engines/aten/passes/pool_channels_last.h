#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// Max pooling of images in half precision, of which nobody reads the places of the greatest, by a kernel that takes
/// channels last: where convolutions lay images out so.
void pool_channels_last(Graph& graph);

inline constexpr Pass kPoolChannelsLast{"pool_channels_last", pool_channels_last};

}  // namespace tracejet::aten
