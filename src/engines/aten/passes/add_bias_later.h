#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// cuDNN's convolutions leave the bias to a kernel of its own. Where a chain or a norm reads the result, the bias is
/// added there.
void add_bias_later(Graph& graph);
/// The same for programs of any kind of device.
void add_bias_later_of(Graph& graph, c10::DeviceType type);

inline constexpr Pass kAddBiasLater{"add_bias_later", add_bias_later};

}  // namespace tracejet::aten
