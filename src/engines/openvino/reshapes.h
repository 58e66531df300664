#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Keeps sizes that a reshape takes from its operand from being replaced by 0 for "as it was": the others, of which one
/// may be 0, are read so too then.
void take_sizes_at_their_word(ov::Model& model);

/// Keeps axes that were added and that several elements are gathered along: OpenVINO drops both nodes, and the axis.
void keep_gathered_axes(ov::Model& model);

}  // namespace tracejet::openvino
