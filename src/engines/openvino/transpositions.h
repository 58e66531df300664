#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Says transpositions that only move axes of size 1 as what they are. OpenVINO makes reshapes of them in which a size
/// of 0 means "as it was", so that they fail where another axis is empty.
void say_moved_axes(ov::Model& model);

}  // namespace tracejet::openvino
