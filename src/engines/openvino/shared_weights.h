#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Gives weights of one memory memory of their own where they are read in two orders: OpenVINO puts a weight into the
/// order that its kernels want once for each memory, and takes it for that of all others. So it is with weights of
/// convolutions in groups that aren't constant: what multiplies the result of one is put into the weights of all.
void separate_shared_weights(ov::Model& model);

}  // namespace tracejet::openvino
