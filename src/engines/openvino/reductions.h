#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Goes around what OpenVINO makes of reductions: its kernel applies the arithmetic that follows to the result, wrongly
/// for tensors of three axes, an axis that was added by a reshape moves past one that is kept, and reshapes of results
/// are left out.
void separate_reductions(ov::Model& model);

}  // namespace tracejet::openvino
