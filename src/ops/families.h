#pragma once

#include <span>

#include "ops/operator.h"

namespace tracejet {

// One table per family; registry.cpp lists them.
std::span<const Operator> pointwise_operators();
std::span<const Operator> arithmetic_operators();
std::span<const Operator> logic_operators();
std::span<const Operator> special_function_operators();
std::span<const Operator> reduction_operators();
std::span<const Operator> view_operators();
std::span<const Operator> part_operators();
std::span<const Operator> joining_operators();
std::span<const Operator> view_copy_operators();
std::span<const Operator> indexing_operators();
std::span<const Operator> creation_operators();
std::span<const Operator> random_operators();
std::span<const Operator> linear_algebra_operators();
std::span<const Operator> factorization_operators();
std::span<const Operator> convolution_operators();
std::span<const Operator> normalization_operators();
std::span<const Operator> pooling_operators();
std::span<const Operator> activation_operators();
std::span<const Operator> attention_operators();
std::span<const Operator> resampling_operators();
std::span<const Operator> padding_operators();
std::span<const Operator> rearranging_operators();
std::span<const Operator> lookup_operators();
std::span<const Operator> recurrent_operators();
std::span<const Operator> backward_operators();
std::span<const Operator> data_dependent_operators();
std::span<const Operator> spectral_operators();
std::span<const Operator> observer_operators();
std::span<const Operator> quantization_operators();

}  // namespace tracejet
