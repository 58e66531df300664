#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Keeps the products of attention apart from what follows, where OpenVINO's compiler falls over it: a product that is
/// broadcast to a larger tensor, and used a second time.
void separate_products(ov::Model& model);

}  // namespace tracejet::openvino
