#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Keeps the products of attention apart from what follows, where OpenVINO's compiler falls over it: a product that is
/// broadcast to a larger tensor, and used a second time.
void separate_products(ov::Model& model);

/// OpenVINO forgets to transpose the left factor of a product both of whose factors follow from constants, where they
/// follow by way of an operator that it doesn't fold. There the elements are put in order by gathering them.
void gather_fixed_factors(ov::Model& model);

}  // namespace tracejet::openvino
