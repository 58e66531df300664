#pragma once

#include <c10/core/ScalarType.h>

#include "lowering/onnx/model.h"

namespace tracejet::onnx {

/// Has a model compute its products of float32 tensors (matrix products, convolutions) in `dtype`, for engines whose
/// networks say the type of everything. What goes in is cast, and what comes out is cast back: all else stays as it is.
void narrow_products(Model& model, at::ScalarType dtype);

}  // namespace tracejet::onnx
