#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Keeps constants that have more axes, or larger ones, than the norm that they are applied to out of it. OpenVINO
/// takes them for its weights and biases, whose result has the norm's own shape. So it does for the single number that
/// a reduction gives.
void separate_larger_scales(ov::Model& model);

}  // namespace tracejet::openvino
