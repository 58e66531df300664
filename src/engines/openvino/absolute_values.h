#pragma once

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

/// Takes absolute values of vectors as those of rows. Abs of a vector that was concatenated is moved before the
/// concatenation, which then gives absolute values to everybody.
void take_rows_for_vectors(ov::Model& model);

}  // namespace tracejet::openvino
