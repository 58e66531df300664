#pragma once

#include <c10/core/ScalarType.h>

#include "lowering/onnx/model.h"

/// For engines whose networks say the type of everything.
namespace tracejet::onnx {

/// Has a model compute its products of float32 tensors (matrix products, convolutions) in `dtype`. What goes in is
/// cast, and what comes out is cast back: all else stays as it is.
void narrow_products(Model& model, at::ScalarType dtype);

/// Has a model read weights of int8 with DequantizeLinear alone, which such engines demand: where they are moved about
/// and cast, they become float32 first, which holds each of them.
void dequantize_weights(Model& model);

}  // namespace tracejet::onnx
