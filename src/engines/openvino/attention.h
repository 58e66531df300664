#pragma once

#include <openvino/core/model.hpp>

#include "ir/graph.h"

namespace tracejet::openvino {

/// Whether a result of attention is read by several calls, or by one and whoever called the program. OpenVINO's fusion
/// of attention with the arithmetic behind it then ends the process, while it compiles.
bool shares_attention(const Graph& graph);

/// Adds the least number to scores of attention that may be of one key. OpenVINO fuses attention, and where the first
/// call has one key, the kernel that it makes is wrong for eight and more, unless there is arithmetic on the scores.
void add_least_to_scores(ov::Model& model);

}  // namespace tracejet::openvino
