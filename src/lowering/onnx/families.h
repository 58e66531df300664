#pragma once

#include <span>

#include "lowering/onnx/conversion.h"

namespace tracejet::onnx {

// One table per family; conversion.cpp lists them.
std::span<const Conversion> activation_conversions();
std::span<const Conversion> arithmetic_conversions();
std::span<const Conversion> attention_conversions();
std::span<const Conversion> block_quantization_conversions();
std::span<const Conversion> comparison_conversions();
std::span<const Conversion> convolution_conversions();
std::span<const Conversion> creation_conversions();
std::span<const Conversion> distance_conversions();
std::span<const Conversion> indexing_conversions();
std::span<const Conversion> linear_algebra_conversions();
std::span<const Conversion> normalization_conversions();
std::span<const Conversion> order_conversions();
std::span<const Conversion> pooling_conversions();
std::span<const Conversion> quantization_conversions();
std::span<const Conversion> recurrent_conversions();
std::span<const Conversion> reduction_conversions();
std::span<const Conversion> resampling_conversions();
std::span<const Conversion> search_conversions();
std::span<const Conversion> unary_conversions();
std::span<const Conversion> views_conversions();

}  // namespace tracejet::onnx
