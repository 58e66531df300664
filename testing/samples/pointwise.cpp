#include <cmath>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>

#include "ops/numbers.h"
#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

using decompositions::number;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Appends the same arguments to every call.
Stacks with(Stacks calls, std::initializer_list<c10::IValue> rest) {
  for (torch::jit::Stack& call : calls) call.insert(call.end(), rest.begin(), rest.end());
  return calls;
}

at::Tensor channels_last(const at::Tensor& tensor) { return tensor.contiguous(at::MemoryFormat::ChannelsLast); }

/// Pairs that differ in layout, or are broadcast in one or both directions.
Stacks broadcasting() {
  return {
      {floats({2, 3, 4}), floats({2, 3, 4}).neg()},
      {floats({2, 3, 4}), floats({4})},
      {floats({3, 1}), floats({2, 1, 5})},
      {floats({}), floats({3, 4})},
      {floats({}), floats({})},
      {floats({4, 3}).t(), floats({3, 4})},
      {floats({3, 4}), floats({4, 3}).t()},
      {floats({4, 3}).t(), floats({4, 3}).t()},
      {floats({5, 4, 3}).permute({2, 0, 1}), floats({5, 1})},
      {channels_last(floats({2, 3, 4, 5})), channels_last(floats({2, 3, 4, 5}))},
      {channels_last(floats({2, 3, 4, 5})), floats({2, 3, 4, 5})},
      {floats({2, 3, 4, 5}), channels_last(floats({2, 3, 4, 5}))},
      {channels_last(floats({2, 3, 4, 5})), floats({3, 1, 1})},
      {channels_last(floats({2, 3, 4, 5})), floats({2, 3, 1, 1})},
      {floats({1, 6}).expand({4, 6}), floats({4, 1})},
      {floats({4, 8}).slice(1, 0, 8, 2), floats({4, 4})},
      {floats({2, 0, 3}), floats({3})},
      {floats({2, 1, 4}), floats({2, 1, 4}).permute({2, 1, 0}).contiguous().permute({2, 1, 0})},
  };
}

Stacks mixed_dtypes() {
  return {
      {floats({3, 4}), integers({3, 4})},
      {floats({}), integers({3, 4})},
      {floats({4}, at::kDouble), floats({3, 4})},
      {floats({}, at::kDouble), floats({3, 4})},
      {floats({4}, at::kHalf), floats({3, 4})},
      {integers({3, 4}, 7, at::kInt), integers({4})},
      {integers({}, 7), integers({3, 4}, 7, at::kInt)},
      {integers({3, 4}), number(2.5)},
      {floats({3, 4}, at::kHalf), number(2.5)},
      {number(2), floats({4, 3}).t()},
      {integers({3, 4}), number(3)},
  };
}

Stacks bool_operands() {
  return {{bools({3, 4}), floats({3, 4})}, {bools({3, 4}), integers({4})}, {bools({}), integers({4}, 7, at::kInt)}};
}

std::vector<at::Tensor> some_layouts() {
  return {floats({}),
          floats({2, 3}),
          floats({4, 3}).t(),
          channels_last(floats({2, 3, 4, 5})),
          channels_last(floats({2, 3, 1, 1})),
          floats({3, 1}).expand({3, 4}),
          floats({2, 3}, at::kHalf),
          floats({2, 3}, at::kDouble)};
}

at::Tensor special() {
  return at::tensor({-kInfinity, -1.5, -0.0, 0.0, 0.5, 1.0, 2.0, kInfinity, std::nan("")}, at::kFloat);
}

// (self) -------------------------------------------------------------------------------------------------------------

Stacks unary_full() { return join({each(layouts()), each(integer_layouts())}); }

Stacks unary() { return join({unary_full(), each({floats({3}, at::kHalf)})}); }

Stacks unary_real() { return join({each(layouts()), each({floats({3}, at::kHalf), floats({3}, at::kDouble)})}); }

Stacks unary_integer() { return join({each(integer_layouts()), each({bools({3, 4}), bools({4, 3}).t()})}); }

Stacks special_values() { return each({special(), special().to(at::kDouble), integers({3}), floats({4, 3}).t()}); }

Stacks sgn() {
  const at::Tensor zero_and_more = at::complex(integers({6}, 3).to(at::kFloat), integers({6}, 3).to(at::kFloat));
  return join({unary(), each({zero_and_more})});
}

Stacks complex_only() {
  const at::Tensor numbers = at::complex(floats({4, 3}), floats({4, 3}).flip(0));
  return each({numbers, numbers.t()});
}

Stacks complex_or_real() { return join({unary(), complex_only()}); }

Stacks fake_quantize() {
  return {{floats({3, 4}), 0.1, 3, 0, 255}, {floats({4, 3}).t(), 0.5, 0, -8, 7}, {floats({0, 3}), 0.5, 0, -8, 7}};
}

Stacks fake_quantize_by_tensors() {
  const at::Tensor scale = fractions({1}) + 0.1, zero_point = integers({1}, 3).to(at::kInt);
  const at::Tensor enabled = at::ones({1}, at::kLong);
  return {{floats({3, 4}), scale, zero_point, enabled, 0, 255},
          {floats({4, 3}).t(), scale, zero_point, enabled * 0, -8, 7}};
}

Stacks fake_quantize_channels() {
  const at::Tensor scales = fractions({4}) + 0.1, zero_points = integers({4}, 3).to(at::kInt);
  return {{floats({3, 4}), scales, zero_points, 1, 0, 255}, {floats({3, 4}).t(), scales, zero_points, 0, -8, 7}};
}

// (self, parameters) -------------------------------------------------------------------------------------------------

Stacks logit() {
  return {{fractions({3, 4}), none}, {floats({3, 4}), 0.1}, {fractions({4, 3}).t(), 1e-6}, {integers({3}, 2), 0.25}};
}

Stacks mvlgamma() { return {{floats({3, 4}).abs() + 2, 3}, {integers({4}) + 3, 2}, {floats({}).abs() + 1, 1}}; }

/// The order stands before the argument.
Stacks polygamma() {
  Stacks calls;
  for (const at::Tensor& x : {floats({4, 3}).t().abs() + 1, integers({5}) + 1, floats({}).abs()}) {
    calls.push_back({1, x});
    calls.push_back({3, x});
  }
  return calls;
}

Stacks nan_to_num() {
  return {{special(), none, none, none},
          {special().to(at::kDouble), 1.5, none, -3.0},
          {special().to(at::kHalf), none, 2.0, none},
          {integers({3}), none, none, none}};
}

Stacks round_decimals() { return join({each(some_layouts(), {1}), each(some_layouts(), {-1})}); }

// (self, other) ------------------------------------------------------------------------------------------------------

Stacks binary() { return join({broadcasting(), mixed_dtypes(), bool_operands()}); }

/// Where the sign of a zero counts.
Stacks signed_zeros() { return join({binary(), {{special().unsqueeze(1), special()}}}); }

Stacks binary_real() { return join({broadcasting(), mixed_dtypes()}); }

Stacks binary_float() { return broadcasting(); }

Stacks binary_positive() {
  return {
      {fractions({3, 4}), fractions({4})}, {fractions({4, 3}).t(), fractions({3, 1})}, {fractions({}), fractions({2})}};
}

/// Of these degrees.
Stacks polynomial() {
  return {{floats({3, 4}), integers({4}, 5)},
          {floats({4, 3}).t(), integers({3, 1}, 5).to(at::kFloat)},
          {integers({3}), integers({3}, 4)},
          {floats({2}, at::kDouble), integers({3, 1}, 5)}};
}

Stacks binary_integer() {
  return {{integers({3, 4}), integers({4})},
          {integers({4, 3}).t(), integers({3, 4}, 5, at::kInt)},
          {integers({}), integers({3}, 7, at::kInt)},
          {integers({3, 1}), number(2)}};
}

Stacks same_dtype() {
  return {{special(), floats({})}, {integers({3, 4}), integers({4})}, {floats({4, 3}).t(), floats({3, 4})}};
}

Stacks two_reals() { return broadcasting(); }

Stacks logaddexp() {
  return join({broadcasting(), {{special(), special().flip(0)}, {special(), special()}, {special(), floats({})}}});
}

Stacks divide() {
  return join({broadcasting(),
               {{integers({3, 4}), integers({4}) - 8},
                {integers({3, 4}) - 3, integers({4, 3}, 7, at::kInt).t() + 1},
                {integers({3, 4}), number(-2)},
                {integers({3, 4}), number(2.5)},
                {integers({}), floats({3})}}});
}

Stacks with_number() {
  return join({each(some_layouts(), {1.5}), each(some_layouts(), {2}), each({integers({3, 4})}, {0.5}),
               each({integers({3, 4}, 7, at::kInt), floats({3}, at::kHalf)}, {3})});
}

Stacks integer_with_number() { return each({integers({3, 4}), integers({4, 3}, 7, at::kInt).t(), integers({})}, {6}); }

Stacks divide_by_number() { return join({with_number(), each({integers({3, 4}) - 3}, {-2})}); }

Stacks remainder_of_number() {
  return {{3.5, floats({4, 3}).t()}, {7, integers({3, 4}) + 1}, {2.5, integers({3}) + 1}, {0, floats({3})}};
}

Stacks power() {
  return {{floats({3, 4}).abs(), floats({4})},  {floats({4, 3}).t().abs(), floats({3, 4})},
          {integers({3, 4}), integers({4}, 3)}, {floats({3}).abs(), integers({3}, 3)},
          {integers({3}), number(2.5)},         {floats({}), integers({2, 3})}};
}

Stacks power_of_number() {
  return {{2, floats({4, 3}).t()}, {2.5, integers({3, 4})}, {2, integers({3})}, {2.0, floats({})}};
}

Stacks with_exponent() {
  return join({each(some_layouts(), {2}), each(some_layouts(), {3.0}), each({integers({3, 4})}, {2}),
               each({integers({3, 4}) + 1}, {-0.5}), each({integers({3}, 7, at::kInt)}, {2.5})});
}

// (self, other, parameters) ------------------------------------------------------------------------------------------

Stacks scaled() {
  return join({with(broadcasting(), {1}),
               with(mixed_dtypes(), {1}),
               with(broadcasting(), {0.5}),
               {{integers({3, 4}), integers({4}), 3}}});
}

Stacks scaled_by_number() { return join({with(with_number(), {1}), each({floats({3, 4})}, {1.5, 2})}); }

Stacks divide_with_mode() {
  return join({with(divide(), {none}), with(divide(), {"floor"}), with(divide(), {"trunc"})});
}

Stacks divide_by_number_with_mode() {
  return join({with(with_number(), {none}), with(with_number(), {"floor"}), with(with_number(), {"trunc"})});
}

// Three operands -----------------------------------------------------------------------------------------------------

Stacks addcdiv() {
  return {{floats({3, 4}), floats({4}), floats({3, 1}), 1},
          {floats({4, 3}).t(), floats({3, 4}), floats({}), 0.5},
          {floats({3}, at::kDouble), floats({3}), floats({3}), 2}};
}

Stacks addcmul() { return join({addcdiv(), {{integers({3, 4}), integers({4}), integers({3, 1}), 2}}}); }

Stacks clamp() {
  return join({each(some_layouts(), {-0.5, 0.5}), each(some_layouts(), {none, 1}), each(some_layouts(), {0, none}),
               each({integers({3, 4})}, {1, 4}), each({integers({3, 4})}, {1.5, none}),
               each({integers({3}, 7, at::kInt)}, {none, 4})});
}

Stacks clamp_by_tensors() {
  return {{floats({3, 4}), floats({4}) - 1, floats({3, 1}) + 1},
          {floats({4, 3}).t(), none, floats({3, 4})},
          {integers({3, 4}), floats({}), none},
          {integers({3, 4}, 7, at::kInt), integers({4}), integers({4}) + 2}};
}

Stacks lerp() {
  return {{floats({3, 4}), floats({4}), fractions({3, 1})}, {floats({4, 3}).t(), floats({3, 4}), fractions({})}};
}

Stacks lerp_by_number() { return {{floats({3, 4}), floats({4}), 0.25}, {floats({4, 3}).t(), floats({3, 4}), 0.75}}; }

Stacks logit_backward() {
  return {{floats({3, 4}), fractions({3, 4}), none},
          {floats({4, 3}).t(), floats({3, 4}), 0.1},
          {floats({3}), floats({3}), none}};
}

Stacks masked_fill() {
  return {{floats({3, 4}), bools({4}), floats({})},
          {floats({4, 3}).t(), bools({3, 4}), integers({})},
          {floats({4}, at::kHalf), bools({3, 1}), floats({})}};
}

Stacks masked_fill_by_number() {
  return {{floats({3, 4}), bools({4}), -kInfinity},
          {floats({4, 3}).t(), bools({3, 4}), 2},
          {integers({4}), bools({3, 1}), 3},
          {floats({}), bools({}), true}};
}

Stacks where() {
  return {{bools({3, 4}), floats({3, 4}), floats({4})},
          {bools({}), floats({4, 3}).t(), floats({3, 1})},
          {bools({4}), floats({4, 3}).t(), floats({4, 3}).t()},
          {bools({4, 3}).t(), floats({4, 3}).t(), floats({4, 3}).t()},
          {bools({2, 1, 1, 5}), channels_last(floats({2, 3, 4, 5})), floats({})},
          {bools({3, 4}), integers({4}), floats({})},
          {bools({3, 4}), integers({4}, 7, at::kInt), integers({3, 1})},
          {bools({2, 1}), floats({}), floats({}, at::kDouble)}};
}

}  // namespace

std::span<const OperatorSamples> pointwise_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::add.Scalar", scaled_by_number},
      {"aten::add.Tensor", scaled},
      {"aten::atan2", signed_zeros},
      {"aten::complex", two_reals},
      {"aten::copysign.Scalar", with_number},
      {"aten::copysign.Tensor", signed_zeros},
      {"aten::div.Scalar", with_number},
      {"aten::div.Scalar_mode", divide_by_number_with_mode},
      {"aten::div.Tensor", binary},
      {"aten::div.Tensor_mode", divide_with_mode},
      {"aten::floor_divide", divide},
      {"aten::floor_divide.Scalar", divide_by_number},
      {"aten::fmax", binary_real},
      {"aten::fmin", binary_real},
      {"aten::fmod.Scalar", divide_by_number},
      {"aten::fmod.Tensor", divide},
      {"aten::heaviside", same_dtype},
      {"aten::hypot", binary_float},
      {"aten::ldexp.Tensor", binary_real},
      {"aten::logaddexp", logaddexp},
      {"aten::logaddexp2", logaddexp},
      {"aten::maximum", binary_real},
      {"aten::minimum", binary_real},
      {"aten::mul.Scalar", with_number},
      {"aten::mul.Tensor", binary},
      {"aten::nextafter", binary_float},
      {"aten::polar", two_reals},
      {"aten::pow.Scalar", power_of_number},
      {"aten::pow.Tensor_Scalar", with_exponent},
      {"aten::pow.Tensor_Tensor", power},
      {"aten::remainder.Scalar", divide_by_number},
      {"aten::remainder.Scalar_Tensor", remainder_of_number},
      {"aten::remainder.Tensor", divide},
      {"aten::rsub.Scalar", scaled_by_number},
      {"aten::rsub.Tensor", scaled},
      {"aten::special_xlog1py", binary},
      {"aten::special_xlog1py.other_scalar", with_number},
      {"aten::special_xlog1py.self_scalar", remainder_of_number},
      {"aten::sub.Scalar", scaled_by_number},
      {"aten::sub.Tensor", scaled},
      {"aten::xlogy.Scalar_Other", with_number},
      {"aten::xlogy.Scalar_Self", remainder_of_number},
      {"aten::xlogy.Tensor", binary},
      {"aten::addcdiv", addcdiv},
      {"aten::addcmul", addcmul},
      {"aten::clamp", clamp},
      {"aten::clamp.Tensor", clamp_by_tensors},
      {"aten::clamp_max", with_number},
      {"aten::clamp_max.Tensor", binary_real},
      {"aten::clamp_min", with_number},
      {"aten::clamp_min.Tensor", binary_real},
      {"aten::logit_backward", logit_backward},
      {"aten::lerp.Scalar", lerp_by_number},
      {"aten::lerp.Tensor", lerp},
      {"aten::masked_fill.Scalar", masked_fill_by_number},
      {"aten::masked_fill.Tensor", masked_fill},
      {"aten::where.self", where},
      {"aten::eq.Scalar", with_number},
      {"aten::eq.Tensor", binary},
      {"aten::ge.Scalar", with_number},
      {"aten::ge.Tensor", binary},
      {"aten::gt.Scalar", with_number},
      {"aten::gt.Tensor", binary},
      {"aten::le.Scalar", with_number},
      {"aten::le.Tensor", binary},
      {"aten::lt.Scalar", with_number},
      {"aten::lt.Tensor", binary},
      {"aten::ne.Scalar", with_number},
      {"aten::ne.Tensor", binary},
      {"aten::bitwise_and.Scalar", integer_with_number},
      {"aten::bitwise_and.Tensor", binary_integer},
      {"aten::__lshift__.Scalar", integer_with_number},
      {"aten::__lshift__.Tensor", binary_integer},
      {"aten::__rshift__.Scalar", integer_with_number},
      {"aten::__rshift__.Tensor", binary_integer},
      {"aten::bitwise_left_shift.Tensor_Scalar", integer_with_number},
      {"aten::bitwise_right_shift.Tensor_Scalar", integer_with_number},
      {"aten::gcd", binary_integer},
      {"aten::lcm", binary_integer},
      {"aten::bitwise_left_shift.Tensor", binary_integer},
      {"aten::bitwise_or.Scalar", integer_with_number},
      {"aten::bitwise_or.Tensor", binary_integer},
      {"aten::bitwise_right_shift.Tensor", binary_integer},
      {"aten::bitwise_xor.Scalar", integer_with_number},
      {"aten::bitwise_xor.Tensor", binary_integer},
      {"aten::logical_and", binary},
      {"aten::logical_or", binary},
      {"aten::logical_xor", binary},
      {"aten::abs", complex_or_real},
      {"aten::acos", unary},
      {"aten::acosh", unary},
      {"aten::angle", complex_or_real},
      {"aten::asin", unary},
      {"aten::asinh", unary},
      {"aten::atan", unary},
      {"aten::atanh", unary},
      {"aten::bitwise_not", unary_integer},
      {"aten::ceil", unary},
      {"aten::cos", unary},
      {"aten::cosh", unary},
      {"aten::deg2rad", unary},
      {"aten::erf", unary},
      {"aten::erfc", unary},
      {"aten::exp", unary},
      {"aten::exp2", unary},
      {"aten::expm1", unary},
      {"aten::floor", unary},
      {"aten::frac", unary_real},
      {"aten::frexp.Tensor", unary_real},
      {"aten::isinf", special_values},
      {"aten::isnan", special_values},
      {"aten::isneginf", special_values},
      {"aten::isposinf", special_values},
      {"aten::log", unary},
      {"aten::log10", unary},
      {"aten::log1p", unary},
      {"aten::log2", unary},
      {"aten::logical_not", unary},
      {"aten::logit", logit},
      {"aten::mvlgamma", mvlgamma},
      {"aten::nan_to_num", nan_to_num},
      {"aten::_conj", complex_only},
      {"aten::_conj_physical", complex_or_real},
      {"aten::_fake_quantize_per_tensor_affine_cachemask_tensor_qparams", fake_quantize_by_tensors},
      {"aten::fake_quantize_per_channel_affine_cachemask", fake_quantize_channels},
      {"aten::fake_quantize_per_tensor_affine_cachemask", fake_quantize},
      {"aten::_neg_view", unary},
      {"aten::neg", unary},
      {"aten::rad2deg", unary},
      {"aten::reciprocal", unary},
      {"aten::round", unary},
      {"aten::round.decimals", round_decimals},
      {"aten::rsqrt", unary},
      {"aten::sgn", sgn},
      {"aten::sigmoid", unary},
      {"aten::sign", unary},
      {"aten::signbit", special_values},
      {"aten::sin", unary},
      {"aten::sinc", unary},
      {"aten::sinh", unary},
      {"aten::special_entr", special_values},
      {"aten::special_log_ndtr", unary_full},
      {"aten::sqrt", unary},
      {"aten::tan", unary},
      {"aten::tanh", unary},
      {"aten::trunc", unary},
      {"aten::digamma", unary},
      {"aten::igamma", binary_positive},
      {"aten::igammac", binary_positive},
      {"aten::lgamma", unary},
      {"aten::polygamma", polygamma},
      {"aten::special_zeta", binary_float},
      {"aten::erfinv", unary},
      {"aten::special_erfcx", unary_full},
      {"aten::special_ndtri", unary_full},
      {"aten::i0", unary},
      {"aten::special_airy_ai", unary_full},
      {"aten::special_bessel_j0", unary_full},
      {"aten::special_bessel_j1", unary_full},
      {"aten::special_bessel_y0", unary_full},
      {"aten::special_bessel_y1", unary_full},
      {"aten::special_i0e", unary_full},
      {"aten::special_i1", unary_full},
      {"aten::special_i1e", unary_full},
      {"aten::special_modified_bessel_i0", unary_full},
      {"aten::special_modified_bessel_i1", unary_full},
      {"aten::special_modified_bessel_k0", unary_full},
      {"aten::special_modified_bessel_k1", unary_full},
      {"aten::special_scaled_modified_bessel_k0", unary_full},
      {"aten::special_scaled_modified_bessel_k1", unary_full},
      {"aten::special_spherical_bessel_j0", unary_full},
      {"aten::special_chebyshev_polynomial_t", polynomial},
      {"aten::special_chebyshev_polynomial_u", polynomial},
      {"aten::special_chebyshev_polynomial_v", polynomial},
      {"aten::special_chebyshev_polynomial_w", polynomial},
      {"aten::special_hermite_polynomial_h", polynomial},
      {"aten::special_hermite_polynomial_he", polynomial},
      {"aten::special_laguerre_polynomial_l", polynomial},
      {"aten::special_legendre_polynomial_p", polynomial},
      {"aten::special_shifted_chebyshev_polynomial_t", polynomial},
      {"aten::special_shifted_chebyshev_polynomial_u", polynomial},
      {"aten::special_shifted_chebyshev_polynomial_v", polynomial},
      {"aten::special_shifted_chebyshev_polynomial_w", polynomial},
  };
  return table;
}

}  // namespace tracejet::samples
