#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Keeps divisions whose results are rounded, compared or sorted afterwards, or given to whoever may do so: OpenVINO
/// multiplies by the reciprocal, and 42 / 7 is more than 6 then.
void keep_exact_divisions(ov::Model& model);

}  // namespace tracejet::openvino
