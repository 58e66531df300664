#pragma once

#include "ops/samples.h"

/// Sample calls for pointwise operators, named after their arguments.
namespace tracejet::samples {

// (self)
Stacks unary();
Stacks unary_full();  ///< no 16-bit floats
Stacks unary_real();
Stacks unary_integer();
Stacks special_values();
Stacks sgn();
Stacks complex_only();
Stacks fake_quantize();
Stacks fake_quantize_by_tensors();
Stacks fake_quantize_channels();
Stacks complex_or_real();

// (self, parameters)
Stacks logit();
Stacks mvlgamma();
Stacks polygamma();
Stacks binary_positive();
Stacks polynomial();
Stacks nan_to_num();
Stacks round_decimals();

// (self, other)
Stacks binary();
Stacks signed_zeros();
Stacks binary_real();
Stacks binary_float();
Stacks binary_integer();
Stacks same_dtype();
Stacks two_reals();
Stacks logaddexp();
Stacks divide();
Stacks with_number();
Stacks integer_with_number();
Stacks divide_by_number();
Stacks remainder_of_number();
Stacks power();
Stacks power_of_number();
Stacks with_exponent();

// (self, other, parameters)
Stacks scaled();
Stacks scaled_by_number();
Stacks divide_with_mode();
Stacks divide_by_number_with_mode();

// Three operands
Stacks addcdiv();
Stacks addcmul();
Stacks clamp();
Stacks clamp_by_tensors();
Stacks lerp();
Stacks logit_backward();
Stacks lerp_by_number();
Stacks masked_fill();
Stacks masked_fill_by_number();
Stacks where();

}  // namespace tracejet::samples
