#pragma once

#include <c10/core/DeviceType.h>

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// A sum that goes from layer to layer keeps the layout of its first term, in which the rows of norms don't lie side by
/// side where that is a permuted convolution. Such a term is copied once, so that all the norms behind it read and
/// write rows as they lie.
void lay_out_rows(Graph& graph);
/// The same for programs of any kind of device.
void lay_out_rows_of(Graph& graph, c10::DeviceType type);

inline constexpr Pass kLayOutRows{"lay_out_rows", lay_out_rows};

}  // namespace tracejet::aten
