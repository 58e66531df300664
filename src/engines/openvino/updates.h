#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Has what is updated in place be computed, where it is an input in another shape that may be empty. After a call with
/// an empty one, OpenVINO writes into the caller's tensor, and later into what that was.
void update_no_inputs(ov::Model& model);

}  // namespace tracejet::openvino
