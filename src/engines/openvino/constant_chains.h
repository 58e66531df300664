#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Keeps constants apart that are added and cancel, or of which one would round the other away, or that scale by more
/// than 2^32, or that scale a sum with a large one, or that aren't finite: OpenVINO computes with both constants first,
/// and x + c - c is x then, unrounded. Scales by more than 2^32 it makes part of weights, too, whose products overflow
/// then where their sum doesn't.
void separate_constants(ov::Model& model);

}  // namespace tracejet::openvino
