#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <openvino/runtime/compiled_model.hpp>
#include <openvino/runtime/tensor.hpp>

#include "lowering/onnx/model.h"

namespace tracejet::openvino {

/// What OpenVINO exports of a compiled model, in which weights that it holds as they are are only referred to.
std::string export_model(const ov::CompiledModel& compiled, const std::vector<onnx::NamedTensor>& weights);

/// What OpenVINO has exported, with the weights in their places.
/// Throws StaleEngine where it wasn't packed so, or with other weights.
ov::Tensor unpacked(std::string_view packed, const std::vector<onnx::NamedTensor>& weights);

}  // namespace tracejet::openvino
