#pragma once

#include "ops/samples.h"

namespace tracejet::samples::quantization {

Stacks quantize_per_tensor();
Stacks quantize_per_tensor_of_tensors();
Stacks quantize_per_tensor_in_range();
Stacks dequantize_per_tensor();
Stacks dequantize_per_tensor_of_tensors();
Stacks dequantize_per_tensor_in_range();
Stacks quantize_per_channel();
Stacks dequantize_per_channel();
Stacks quantize_per_token();
Stacks dequantize_per_token();
Stacks quantize_per_channel_group();
Stacks dequantize_per_channel_group();
Stacks choose_qparams();
Stacks choose_qparams_per_token();
Stacks convert_element_type();

Stacks quantize_affine();
Stacks dequantize_affine();
Stacks choose_qparams_affine();
Stacks choose_scale_float8();
Stacks quantize_affine_float8();
Stacks dequantize_affine_float8();

}  // namespace tracejet::samples::quantization
