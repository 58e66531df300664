#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Copies what is gathered before it is given. Where OpenVINO finds that all of a tensor is taken
/// (along a new axis, or from a concatenation), it has one memory for both: an input is overwritten, a result isn't
/// written.
void copy_given_parts(ov::Model& model);

}  // namespace tracejet::openvino
