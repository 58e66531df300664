#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Gives weights of one memory memory of their own where they are read in two orders: OpenVINO puts a weight into the
/// order that its kernels want once for each memory, and takes it for that of all others.
void separate_shared_weights(ov::Model& model);

}  // namespace tracejet::openvino
