// PyTorch: aten/src/ATen/native/Activation.cpp, aten/src/ATen/native/GatedLinearUnit.cpp (glu),
// aten/src/ATen/native/SoftMax.cpp (log_softmax), aten/src/ATen/native/transformers/attention.cpp (_safe_softmax),
// aten/src/ATen/native/Dropout.cpp (dropout).
#include "ops/activation/decompositions.h"

#include <limits>

#include <ATen/OpMathType.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/any.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/expm1.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/log.h>
#include <ATen/ops/log1p.h>
#include <ATen/ops/native_dropout.h>
#include <ATen/ops/rrelu_with_noise.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/where.h>

#include "ops/numbers.h"
#include "ops/reduction/decompositions.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet::decompositions {

namespace {

/// ATen's kernels compute 16-bit floats in float32 and round once; a decomposition in several steps does the same.
template <typename Function>
at::Tensor in_computation_dtype(const at::Tensor& self, Function&& function) {
  const auto dtype = self.scalar_type(), wide = at::toOpMathType(dtype);
  return wide == dtype ? function(self) : function(self.to(wide)).to(dtype);
}

}  // namespace

at::Tensor silu(const at::Tensor& self) { return self * at::sigmoid(self); }

at::Tensor mish(const at::Tensor& self) {
  return in_computation_dtype(self, [](const at::Tensor& x) { return x * at::tanh(at::softplus(x)); });
}

at::Tensor hardswish(const at::Tensor& self) {
  return in_computation_dtype(self, [](const at::Tensor& x) { return x * at::clamp(x + 3, 0, 6) / 6; });
}

at::Tensor hardsigmoid(const at::Tensor& self) {
  return in_computation_dtype(self, [](const at::Tensor& x) { return at::clamp(x + 3, 0, 6) / 6; });
}

/// Integers stay integers, so their bounds become some.
at::Tensor hardtanh(const at::Tensor& self, const at::Scalar& min_val, const at::Scalar& max_val) {
  if (c10::isIntegralType(self.scalar_type(), /*includeBool=*/false)) {
    return at::clamp(self, min_val.toLong(), max_val.toLong());
  }
  return at::clamp(self, min_val, max_val);
}

at::Tensor celu(const at::Tensor& self, const at::Scalar& alpha) {
  return in_computation_dtype(self,
                              [&](const at::Tensor& x) { return at::where(x > 0, x, at::expm1(x / alpha) * alpha); });
}

/// Multiplying by 0 instead of filling with 0 lets NaN through, as ATen does.
at::Tensor softshrink(const at::Tensor& self, const at::Scalar& lambd) {
  require(lambd.toSymFloat().sym_ge(0.0), [&] { return "lambd is " + c10::str(lambd) + ", expected at least 0"; });
  return at::where(at::abs(self) > lambd, self - at::sign(self) * lambd, self * 0);
}

at::Tensor hardshrink(const at::Tensor& self, const at::Scalar& lambd) {
  return at::where(at::abs(self) <= lambd, 0, self);
}

at::Tensor threshold(const at::Tensor& self, const at::Scalar& threshold, const at::Scalar& value) {
  return at::where(self <= scalar_like(self, threshold), scalar_like(self, value), self);
}

/// min(x, 0) - log(1 + exp(-|x|)), which overflows on neither side.
std::tuple<at::Tensor, at::Tensor> log_sigmoid_forward(const at::Tensor& self) {
  const at::Tensor small = at::exp(-at::abs(self));
  return {at::clamp(self, std::nullopt, 0) - at::log1p(small), small};
}

at::Tensor rrelu(const at::Tensor& self, const at::Scalar& lower, const at::Scalar& upper, bool training,
                 std::optional<at::Generator> generator) {
  if (!training) return at::leaky_relu(self, (lower.toDouble() + upper.toDouble()) / 2);
  at::Tensor noise = at::empty_like(self);
  return at::rrelu_with_noise(self, noise, lower, upper, training, std::move(generator));
}

/// The maximum is taken off first: the logarithm of a softmax that has rounded to 0 would be -inf.
at::Tensor log_softmax(const at::Tensor& self, int64_t dim, bool half_to_float) {
  const auto dtype = half_to_float ? at::kFloat : self.scalar_type();
  const at::Tensor wide = self.to(at::toOpMathType(self.scalar_type()));
  if (shape::known_equal(self.sym_numel(), 0)) return wide.to(dtype);
  const at::Tensor shifted = wide - greatest(wide, dim);
  return (shifted - at::log(at::sum(at::exp(shifted), dim, /*keepdim=*/true))).to(dtype);
}

at::Tensor softplus(const at::Tensor& self, const at::Scalar& beta, const at::Scalar& threshold) {
  return in_computation_dtype(self, [&](const at::Tensor& x) {
    const at::Tensor scaled = x * beta;
    return at::where(scaled > threshold, x, at::log1p(at::exp(scaled)) / beta);
  });
}

at::Tensor glu(const at::Tensor& self, int64_t dim) {
  const c10::SymInt size = self.sym_size(dim), half = size / 2;
  return self.slice_symint(dim, 0, half) * at::sigmoid(self.slice_symint(dim, half, size));
}

at::Tensor prelu_kernel(const at::Tensor& self, const at::Tensor& weight) {
  return at::where(self > 0, self, weight * self);
}

at::Tensor safe_softmax(const at::Tensor& self, int64_t dim, std::optional<at::ScalarType> dtype) {
  const at::Tensor values = self.to(dtype.value_or(self.scalar_type()));
  const at::Tensor counts = at::any(values != -std::numeric_limits<double>::infinity(), dim, /*keepdim=*/true);
  return at::where(counts, at::softmax(values, dim), 0);
}

at::Tensor dropout(const at::Tensor& input, double p, bool train) {
  if (!train || p == 0) return input;
  return std::get<0>(at::native_dropout(input, p, train));
}

}  // namespace tracejet::decompositions
