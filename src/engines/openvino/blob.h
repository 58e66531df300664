#pragma once

#include <string>
#include <vector>

#include <openvino/runtime/compiled_model.hpp>
#include <openvino/runtime/tensor.hpp>

#include "base/shared_bytes.h"
#include "lowering/onnx/model.h"

namespace tracejet::openvino {

/// What OpenVINO exports of a compiled model. Weights that it holds as they are are only referred to, where that saves
/// most of the bytes. `identity`: see identity_of().
std::string export_model(const ov::CompiledModel& compiled, const std::string& identity,
                         const std::vector<onnx::NamedTensor>& weights);

/// What OpenVINO has exported, with the weights in their places: the bytes themselves where nothing was left out.
/// Throws StaleEngine where it wasn't packed so, of another program, or with other weights.
ov::Tensor unpacked(const SharedBytes& packed, const std::string& identity,
                    const std::vector<onnx::NamedTensor>& weights);

}  // namespace tracejet::openvino
