#pragma once

#include "ir/graph.h"

namespace tracejet::openvino {

/// Whether a result of attention is read by several calls, or by one and whoever called the program. OpenVINO's fusion
/// of attention with the arithmetic behind it then ends the process, while it compiles.
bool shares_attention(const Graph& graph);

}  // namespace tracejet::openvino
