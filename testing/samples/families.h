#pragma once

#include <span>

#include "testing/samples/table.h"

namespace tracejet::samples {

// One table per family; table.cpp lists them.
std::span<const OperatorSamples> activation_samples();
std::span<const OperatorSamples> attention_samples();
std::span<const OperatorSamples> backward_samples();
std::span<const OperatorSamples> convolution_samples();
std::span<const OperatorSamples> creation_samples();
std::span<const OperatorSamples> factorization_samples();
std::span<const OperatorSamples> gather_backward_samples();
std::span<const OperatorSamples> indexing_samples();
std::span<const OperatorSamples> linear_algebra_samples();
std::span<const OperatorSamples> normalization_samples();
std::span<const OperatorSamples> observer_samples();
std::span<const OperatorSamples> pointwise_samples();
std::span<const OperatorSamples> pooling_samples();
std::span<const OperatorSamples> quantization_samples();
std::span<const OperatorSamples> random_samples();
std::span<const OperatorSamples> recurrent_samples();
std::span<const OperatorSamples> reduction_samples();
std::span<const OperatorSamples> resampling_samples();
std::span<const OperatorSamples> spectral_samples();
std::span<const OperatorSamples> view_samples();

}  // namespace tracejet::samples
