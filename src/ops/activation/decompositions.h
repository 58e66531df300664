#pragma once

#include <optional>
#include <tuple>

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Scalar.h>

namespace tracejet::decompositions {

at::Tensor silu(const at::Tensor& self);
at::Tensor mish(const at::Tensor& self);
at::Tensor hardswish(const at::Tensor& self);
at::Tensor hardsigmoid(const at::Tensor& self);
at::Tensor hardtanh(const at::Tensor& self, const at::Scalar& min_val, const at::Scalar& max_val);
at::Tensor celu(const at::Tensor& self, const at::Scalar& alpha);
at::Tensor softshrink(const at::Tensor& self, const at::Scalar& lambd);
at::Tensor hardshrink(const at::Tensor& self, const at::Scalar& lambd);
at::Tensor threshold(const at::Tensor& self, const at::Scalar& threshold, const at::Scalar& value);
std::tuple<at::Tensor, at::Tensor> log_sigmoid_forward(const at::Tensor& self);
at::Tensor rrelu(const at::Tensor& self, const at::Scalar& lower, const at::Scalar& upper, bool training,
                 std::optional<at::Generator> generator);
at::Tensor log_softmax(const at::Tensor& self, int64_t dim, bool half_to_float);
at::Tensor softplus(const at::Tensor& self, const at::Scalar& beta, const at::Scalar& threshold);
at::Tensor glu(const at::Tensor& self, int64_t dim);
at::Tensor prelu_kernel(const at::Tensor& self, const at::Tensor& weight);
/// Zeros where everything is minus infinity.
at::Tensor safe_softmax(const at::Tensor& self, int64_t dim, std::optional<at::ScalarType> dtype);
at::Tensor dropout(const at::Tensor& input, double p, bool train);

}  // namespace tracejet::decompositions
