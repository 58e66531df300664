#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Goes around what OpenVINO makes of reductions: its kernel applies the arithmetic that follows to the result, wrongly
/// for tensors of three axes, an axis that was added by a reshape moves past one that is kept, reshapes of results are
/// left out, and means over batches of images take what the call before left for a part of theirs.
void separate_reductions(ov::Model& model);

}  // namespace tracejet::openvino
