#pragma once

#include <c10/core/DeviceType.h>

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// Chains that split their first axis in their midst, to add something that only one part of it has, and join it again:
/// it is split before the chain and joined behind it, so that all of it is of one size, and one kernel.
void keep_axes(Graph& graph);
/// The same for programs of any kind of device.
void keep_axes_of(Graph& graph, c10::DeviceType type);

inline constexpr Pass kKeepAxes{"keep_axes", keep_axes};

}  // namespace tracejet::aten
