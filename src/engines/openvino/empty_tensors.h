#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Says of all tensors that have no element, at any size, that they are constants. OpenVINO otherwise computes them
/// from constants while it compiles, and writes an element of some.
void fix_empty_tensors(ov::Model& model);

}  // namespace tracejet::openvino
