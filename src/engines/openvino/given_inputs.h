#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Copies what is gathered from a concatenation of inputs before it is given. OpenVINO finds out that it is an input,
/// and leaves the memory that it was offered for the result as it was.
void copy_given_inputs(ov::Model& model);

}  // namespace tracejet::openvino
