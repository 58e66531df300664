// PyTorch: aten/src/ATen/native/UnaryOps.cpp, aten/src/ATen/native/BinaryOps.cpp, aten/src/ATen/native/PointwiseOps.cpp
// (addcdiv, addcmul), aten/src/ATen/native/Lerp.cpp (lerp), aten/src/ATen/native/TensorCompare.cpp (clamp, isneginf,
// isposinf), aten/src/ATen/native/TensorFactories.cpp (polar), aten/src/ATen/native/TensorAdvancedIndexing.cpp
// (masked_fill).
#include "ops/pointwise/decompositions.h"

#include <cmath>
#include <limits>
#include <numbers>

#include <ATen/ops/abs.h>
#include <ATen/ops/add.h>
#include <ATen/ops/bitwise_left_shift.h>
#include <ATen/ops/bitwise_right_shift.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/conj_physical.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/div.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/erfc.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/exp2.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ge.h>
#include <ATen/ops/gt.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/le.h>
#include <ATen/ops/lgamma.h>
#include <ATen/ops/log.h>
#include <ATen/ops/log1p.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/lt.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/special_erfcx.h>
#include <ATen/ops/special_xlog1py.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/trunc.h>
#include <ATen/ops/where.h>
#include <ATen/ops/xlogy.h>

#include "base/error.h"
#include "base/largest_number.h"
#include "ops/numbers.h"
#include "ops/refusal.h"
#include "ops/shape/promotion.h"
#include "ops/shape/shape.h"

namespace tracejet::decompositions {

namespace {

/// A number as a tensor, which programs can take apart as they do the other one.
at::Tensor float_beside(const at::Tensor& other, const at::Scalar& value) {
  return at::full(at::IntArrayRef{}, value, other.options().dtype(promotion::to_float(other.scalar_type())));
}

void require_mask(const at::Tensor& mask) {
  require(mask.scalar_type() == at::kBool,
          [&] { return std::string("mask is ") + at::toString(mask.scalar_type()) + ", expected booleans"; });
}

void require_one_dtype(const at::Tensor& self, const at::Tensor& other) {
  require(self.scalar_type() == other.scalar_type(), [&] {
    return std::string("the operands are ") + at::toString(self.scalar_type()) + " and " +
           at::toString(other.scalar_type()) + ", expected one dtype";
  });
}

bool is_exact(const at::Tensor& self) { return c10::isIntegralType(self.scalar_type(), /*includeBool=*/true); }

/// self + factor * other. Kernels of three operands take factors that float16 doesn't hold, and cut off what integers
/// don't have; add() does neither.
at::Tensor add_scaled(const at::Tensor& self, const at::Tensor& other, const at::Scalar& factor) {
  if (is_exact(self) && factor.isFloatingPoint() && !factor.isSymbolic())
    return at::add(self, other, static_cast<int64_t>(factor.toDouble()));
  const bool is_held = self.scalar_type() != at::kHalf || factor.isSymbolic() ||
                       std::abs(factor.toComplexDouble()) <= largest_number(at::kHalf);
  if (is_held) return at::add(self, other, factor);
  return at::add(self.to(at::kFloat), other.to(at::kFloat), factor).to(at::kHalf);
}

/// Whether a kernel of three operands multiplies the first one by the factor before it meets the second: CPUs' do, so
/// what is infinite on the way stays so. Those of half precision compute in float32, as add() does with its factor.
bool scales_first(const at::Tensor& self, const at::Tensor& tensor1, const at::Tensor& tensor2,
                  const at::Scalar& factor) {
  const at::ScalarType dtype = self.scalar_type();
  const bool is_one = !factor.isSymbolic() && factor.equal(1);
  return self.is_cpu() && !is_one && (dtype == at::kFloat || dtype == at::kDouble) && tensor1.scalar_type() == dtype &&
         tensor2.scalar_type() == dtype;
}

/// A plain number in the place of a tensor becomes a real operand, so that functions of one tensor can take it. It is
/// added to 0 because a symbolic number can't be read here.
at::Tensor as_operand(const at::Tensor& self, const at::Tensor& partner) {
  if (!self.unsafeGetTensorImpl()->is_wrapped_number()) return self;
  const auto dtype = promotion::to_float(partner.scalar_type());
  return at::add(at::full(at::IntArrayRef{}, 0, partner.options().dtype(dtype)), self);
}

/// x * f(y), where 0 times anything but NaN is 0.
at::Tensor zero_wins(const at::Tensor& x, const at::Tensor& y, const at::Tensor& f_of_y) {
  const at::Tensor product = at::mul(x, f_of_y);
  const at::Tensor zero = at::logical_and(at::eq(x, 0), at::eq(y, y));
  return at::where(zero, scalar_like(product, 0), product);
}

}  // namespace

// One operand --------------------------------------------------------------------------------------------------------

at::Tensor conj(const at::Tensor& self) { return at::conj_physical(self); }

at::Tensor neg_view(const at::Tensor& self) { return at::neg(self); }

at::Tensor deg2rad(const at::Tensor& self) { return at::mul(self, number(std::numbers::pi / 180)); }

at::Tensor rad2deg(const at::Tensor& self) { return at::mul(self, number(180 / std::numbers::pi)); }

at::Tensor frac(const at::Tensor& self) { return at::sub(self, at::trunc(self)); }

at::Tensor isneginf(const at::Tensor& self) { return at::eq(self, -kInfinity); }

at::Tensor isposinf(const at::Tensor& self) { return at::eq(self, kInfinity); }

at::Tensor logit(const at::Tensor& self, std::optional<double> eps) {
  // A negative eps means none.
  const at::Tensor x = eps && *eps >= 0 ? at::clamp(self, *eps, 1 - *eps) : self;
  return at::log(at::div(x, at::rsub(x, 1)));
}

/// log of the multivariate gamma function: p (p - 1) / 4 log(pi) + sum over j < p of lgamma(x - j / 2)
at::Tensor mvlgamma(const at::Tensor& self, int64_t p) {
  at::Tensor sum = at::lgamma(self);
  for (int64_t j = 1; j < p; ++j) sum = at::add(sum, at::lgamma(at::sub(self, number(static_cast<double>(j) / 2))));
  return at::add(sum, number(static_cast<double>(p * (p - 1)) / 4 * std::log(std::numbers::pi)));
}

at::Tensor nan_to_num(const at::Tensor& self, std::optional<double> nan, std::optional<double> posinf,
                      std::optional<double> neginf) {
  if (is_exact(self)) return self.clone();
  const double most = largest_number(self.scalar_type());
  const auto in_range = [&](double number) {
    return std::abs(number) > most ? std::copysign(kInfinity, number) : number;
  };
  at::Tensor result = at::where(at::isnan(self), scalar_like(self, in_range(nan.value_or(0))), self);
  result = at::where(at::eq(self, kInfinity), scalar_like(self, in_range(posinf.value_or(most))), result);
  return at::where(at::eq(self, -kInfinity), scalar_like(self, in_range(neginf.value_or(-most))), result);
}

at::Tensor reciprocal(const at::Tensor& self) { return at::div(number(1), self); }

at::Tensor rsqrt(const at::Tensor& self) { return at::reciprocal(at::sqrt(self)); }

at::Tensor sgn(const at::Tensor& self) {
  if (!self.is_complex()) return at::sign(self);
  return at::where(at::eq(self, 0), scalar_like(self, 0), at::div(self, at::abs(self)));
}

at::Tensor sinc(const at::Tensor& self) {
  const at::Tensor angle = at::mul(self, number(std::numbers::pi));
  const at::Tensor ratio = at::div(at::sin(angle), angle);
  return at::where(at::eq(self, 0), scalar_like(ratio, 1), ratio);
}

at::Tensor special_entr(const at::Tensor& self) {
  const at::Tensor entropy = at::neg(at::mul(self, at::log(self)));  // NaN stays NaN
  const at::Tensor at_zero = at::where(at::eq(self, 0), scalar_like(entropy, 0), entropy);
  return at::where(at::lt(self, 0), scalar_like(entropy, -kInfinity), at_zero);
}

/// log of the normal distribution's area; the scaled erfc keeps the left tail from underflowing.
at::Tensor special_log_ndtr(const at::Tensor& self) {
  const at::Tensor t = at::mul(self, number(1 / std::numbers::sqrt2));
  const at::Tensor left = at::sub(at::log(at::div(at::special_erfcx(at::neg(t)), number(2))), at::mul(t, t));
  const at::Tensor right = at::log1p(at::div(at::erfc(t), number(-2)));
  return at::where(at::lt(self, 1), left, right);
}

// Two operands -------------------------------------------------------------------------------------------------------

at::Tensor floor_divide(const at::Tensor& self, const at::Tensor& other) { return at::div(self, other, "floor"); }

at::Tensor floor_divide_scalar(const at::Tensor& self, const at::Scalar& other) {
  return at::div(self, other, "floor");
}

at::Tensor heaviside(const at::Tensor& self, const at::Tensor& values) {
  return at::where(at::eq(self, 0), values, at::gt(self, 0).to(self.scalar_type()));
}

namespace {

/// max(a, b) + log1p_exp(-|a - b|), except where both are the same infinity: there it is that infinity.
at::Tensor log_of_sum(const at::Tensor& a, const at::Tensor& b, at::Tensor (*log1p_exp)(const at::Tensor&)) {
  const at::Tensor larger = at::maximum(a, b);
  const at::Tensor sum = at::add(larger, log1p_exp(at::neg(at::abs(at::sub(a, b)))));
  const at::Tensor both_infinite = at::logical_and(at::eq(a, b), at::eq(at::abs(a), kInfinity));
  return at::where(both_infinite, larger, sum);
}

}  // namespace

at::Tensor logaddexp(const at::Tensor& self, const at::Tensor& other) {
  return log_of_sum(self, other, [](const at::Tensor& x) { return at::log1p(at::exp(x)); });
}

at::Tensor logaddexp2(const at::Tensor& self, const at::Tensor& other) {
  return log_of_sum(self, other,
                    [](const at::Tensor& x) { return at::mul(at::log1p(at::exp2(x)), number(std::numbers::log2e)); });
}

at::Tensor ldexp(const at::Tensor& self, const at::Tensor& other) {
  return at::mul(self, at::pow(2.0, as_operand(other, self)));
}

/// The operators on tensors are the only ones that the Core ATen set has, and they take no plain number.
at::Tensor shift_of(const at::Scalar& other, const at::Tensor& self) {
  return at::full(at::IntArrayRef{}, other, self.options());
}

at::Tensor left_shift(const at::Tensor& self, const at::Tensor& other) { return at::bitwise_left_shift(self, other); }

at::Tensor left_shift_by_number(const at::Tensor& self, const at::Scalar& other) {
  return at::bitwise_left_shift(self, shift_of(other, self));
}

at::Tensor right_shift(const at::Tensor& self, const at::Tensor& other) { return at::bitwise_right_shift(self, other); }

at::Tensor right_shift_by_number(const at::Tensor& self, const at::Scalar& other) {
  return at::bitwise_right_shift(self, shift_of(other, self));
}

at::Tensor polar(const at::Tensor& abs, const at::Tensor& angle) {
  require_one_dtype(abs, angle);
  return at::complex(at::mul(abs, at::cos(angle)), at::mul(abs, at::sin(angle)));
}

at::Tensor rsub(const at::Tensor& self, const at::Tensor& other, const at::Scalar& alpha) {
  return at::sub(other, self, alpha);
}

at::Tensor rsub_scalar(const at::Tensor& self, const at::Scalar& other, const at::Scalar& alpha) {
  if (other.isSymbolic()) return at::add(at::neg(at::mul(self, alpha)), other);
  return at::sub(number(other), self, alpha);
}

at::Tensor special_xlog1py(const at::Tensor& self, const at::Tensor& other) {
  const at::Tensor y = as_operand(other, self);
  return zero_wins(self, y, at::log1p(y));
}

at::Tensor special_xlog1py_scalar_other(const at::Tensor& self, const at::Scalar& other) {
  return at::special_xlog1py(self, float_beside(self, other));
}

at::Tensor special_xlog1py_scalar_self(const at::Scalar& self, const at::Tensor& other) {
  return at::special_xlog1py(float_beside(other, self), other);
}

at::Tensor xlogy(const at::Tensor& self, const at::Tensor& other) {
  const at::Tensor y = as_operand(other, self);
  return zero_wins(self, y, at::log(y));
}

at::Tensor xlogy_scalar_other(const at::Tensor& self, const at::Scalar& other) {
  return at::xlogy(self, float_beside(self, other));
}

at::Tensor xlogy_scalar_self(const at::Scalar& self, const at::Tensor& other) {
  return at::xlogy(float_beside(other, self), other);
}

// Three operands, and choices ----------------------------------------------------------------------------------------

at::Tensor addcdiv(const at::Tensor& self, const at::Tensor& tensor1, const at::Tensor& tensor2,
                   const at::Scalar& value) {
  if (scales_first(self, tensor1, tensor2, value)) return at::add(self, at::div(at::mul(tensor1, value), tensor2));
  return add_scaled(self, at::div(tensor1, tensor2), value);
}

at::Tensor addcmul(const at::Tensor& self, const at::Tensor& tensor1, const at::Tensor& tensor2,
                   const at::Scalar& value) {
  if (scales_first(self, tensor1, tensor2, value)) return at::add(self, at::mul(at::mul(tensor1, value), tensor2));
  return add_scaled(self, at::mul(tensor1, tensor2), value);
}

at::Tensor clamp_max(const at::Tensor& self, const at::Scalar& max) { return at::clamp(self, std::nullopt, max); }

at::Tensor clamp_max_tensor(const at::Tensor& self, const at::Tensor& max) { return at::minimum(self, max); }

at::Tensor clamp_min(const at::Tensor& self, const at::Scalar& min) { return at::clamp(self, min); }

at::Tensor clamp_min_tensor(const at::Tensor& self, const at::Tensor& min) { return at::maximum(self, min); }

/// From the end that is nearer: exact there, and infinity there is what it is.
at::Tensor lerp(const at::Tensor& self, const at::Tensor& end, const at::Tensor& weight) {
  require_one_dtype(self, end);
  if (!weight.unsafeGetTensorImpl()->is_wrapped_number()) require_one_dtype(self, weight);
  const at::Tensor way = at::sub(end, self);
  const at::Tensor from_start = at::add(self, at::mul(weight, way));
  const at::Tensor from_end = at::sub(end, at::mul(way, at::rsub(weight, 1)));
  return at::where(at::lt(at::abs(weight), 0.5), from_start, from_end);
}

at::Tensor lerp_scalar(const at::Tensor& self, const at::Tensor& end, const at::Scalar& weight) {
  require_one_dtype(self, end);
  const at::Tensor way = at::sub(end, self);
  if (weight.isSymbolic() || std::abs(weight.toComplexDouble()) < 0.5) return add_scaled(self, way, weight);
  const at::Scalar rest =
      weight.isComplex() ? at::Scalar(1.0 - weight.toComplexDouble()) : at::Scalar(1.0 - weight.toDouble());
  return add_scaled(end, way, -rest);
}

at::Tensor logit_backward(const at::Tensor& grad_output, const at::Tensor& self, std::optional<double> eps) {
  const bool clamped = eps && *eps >= 0;
  const double low = clamped ? *eps : 0, high = clamped ? 1 - *eps : 1;
  const at::Tensor inside = at::logical_and(at::ge(self, low), at::le(self, high));
  const at::Tensor slope = at::div(grad_output, at::mul(self, at::rsub(self, 1)));
  return at::where(inside, slope, scalar_like(slope, clamped ? 0 : std::numeric_limits<double>::quiet_NaN()));
}

at::Tensor masked_fill(const at::Tensor& self, const at::Tensor& mask, const at::Tensor& value) {
  require_mask(mask);
  require(value.dim() == 0 && (self.is_complex() || !value.is_complex()), [&] {
    return std::string("value is ") + at::toString(value.scalar_type()) + " of " + shape::text(value.sym_sizes()) +
           ", expected a tensor without axes of what self can hold";
  });
  return at::where(mask, value.to(self.scalar_type()), self);
}

at::Tensor masked_fill_scalar(const at::Tensor& self, const at::Tensor& mask, const at::Scalar& value) {
  require_mask(mask);
  return at::where(mask, scalar_like(self, value), self);
}

}  // namespace tracejet::decompositions
