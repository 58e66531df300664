#pragma once

#include <openvino/core/model.hpp>

#include "ir/graph.h"

namespace tracejet::openvino {

/// Whether OpenVINO's fusion of attention with the arithmetic behind it may end the process, while it compiles. It does
/// where several read a result of attention: calls, or a call and whoever called the program. Where the sizes are
/// known, it also does where arithmetic reads it, as a square or beside a number that somebody else reads.
bool may_break_fusion(const Graph& graph);

/// Says the axes that a product of matrices gets from what it meets. OpenVINO's fusion of attention otherwise takes its
/// last axis for another one, and doesn't compile the model.
void add_axes_behind_products(ov::Model& model);

/// Adds the least number to scores of attention that may be of one key. OpenVINO fuses attention, and where the first
/// call has one key, the kernel that it makes is wrong for eight and more, unless there is arithmetic on the scores.
void add_least_to_scores(ov::Model& model);

}  // namespace tracejet::openvino
