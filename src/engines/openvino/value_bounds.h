#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Keeps OpenVINO from inferring bounds of remainders, quotients and powers that follow from sizes: it takes the
/// results at the operands' bounds for those of the result, and where these are equal, their value for a constant.
void forget_wrong_bounds(ov::Model& model);

/// Has axes gathered that OpenVINO takes for whole after a slice, which may have cut them: the range of the size is the
/// same, and it puts either size in the place of the other.
void gather_slices_taken_for_whole(ov::Model& model);

}  // namespace tracejet::openvino
