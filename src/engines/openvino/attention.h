#pragma once

#include <openvino/core/model.hpp>

#include "ir/graph.h"

namespace tracejet::openvino {

/// Whether OpenVINO's fusion of attention with the arithmetic behind it may end the process, while it compiles: where a
/// result of attention is read by several calls, or by one and whoever called the program; and of known sizes, where
/// anything but a product reads it, as the value of a square or beside a number that somebody else reads.
bool may_break_fusion(const Graph& graph);

/// Adds the least number to scores of attention that may be of one key. OpenVINO fuses attention, and where the first
/// call has one key, the kernel that it makes is wrong for eight and more, unless there is arithmetic on the scores.
void add_least_to_scores(ov::Model& model);

}  // namespace tracejet::openvino
