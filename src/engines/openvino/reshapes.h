#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Keeps sizes that a reshape takes from its operand from being replaced by 0 for "as it was": the others, of which one
/// may be 0, are read so too then.
void take_sizes_at_their_word(ov::Model& model);

/// Keeps axes that were added and that several elements are gathered along: OpenVINO drops both nodes, and the axis.
void keep_gathered_axes(ov::Model& model);

/// Keeps broadcasts before arithmetic whose result may be empty. OpenVINO moves the arithmetic before the broadcast,
/// which refuses an empty tensor then.
void keep_broadcasts_to_empty(ov::Model& model);

/// Copies images of one channel before they are reshaped, where others read them, too. OpenVINO has one memory for an
/// image and what is reshaped, and can't lay out both where it normalizes the one and multiplies the other.
void separate_images_of_one_channel(ov::Model& model);

}  // namespace tracejet::openvino
