// Operators that compute each element of the output from the elements at the same place of the (broadcast) inputs.
#include <algorithm>

#include "onnx/conversions.h"
#include "ops/families.h"
#include "ops/pointwise_decompositions.h"
#include "ops/pointwise_samples.h"
#include "ops/promotion.h"
#include "ops/shape.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

/// What becomes of the promoted dtype of the operands.
enum class Result {
  kSame,
  kFloat,  ///< integers become the default float
  kBool,
};

at::ScalarType result_of(Result result, at::ScalarType promoted) {
  switch (result) {
    case Result::kSame:
      return promoted;
    case Result::kFloat:
      return promotion::to_float(promoted);
    case Result::kBool:
      return at::kBool;
  }
  return promoted;
}

/// An operand of pointwise(): null for a plain number.
const TensorMeta* operand(const Call& call, std::string_view name) {
  return call.is_number(name) ? nullptr : call.optional_tensor(name);
}

/// Some operators are expanded by way of what complex numbers don't have, an order.
bool is_complex(c10::ArrayRef<c10::IValue> arguments) {
  return std::ranges::any_of(
      arguments, [](const c10::IValue& argument) { return argument.isTensor() && argument.toTensor().is_complex(); });
}

template <Result result>
Metas unary(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::pointwise({&self}, result_of(result, self.dtype))};
}

template <Result result>
Metas binary_of(const Call& call, std::string_view first, std::string_view second) {
  const auto promoted = promotion::ResultType().add(call, first).add(call, second).get();
  return {shape::pointwise({operand(call, first), operand(call, second)}, result_of(result, promoted))};
}

template <Result result>
Metas binary(const Call& call) {
  return binary_of<result>(call, "self", "other");
}

Metas power(const Call& call) {
  // A plain exponent is a parameter of a unary operator, not an operand: it takes no part in the layout.
  if (!call.is_number("exponent")) return binary_of<Result::kSame>(call, "self", "exponent");
  const auto promoted = promotion::ResultType().add(call, "self").add(call, "exponent").get();
  return {shape::pointwise({&call.tensor("self")}, promoted)};
}

/// pow with a plain base fills a dense output, whatever the layout of the exponent.
Metas power_of_number(const Call& call) {
  const TensorMeta& exponent = call.tensor("exponent");
  const auto promoted = promotion::ResultType().add(call, "self").add(exponent).get();
  return {shape::contiguous(exponent.sizes, promoted, exponent.device)};
}

/// Rounded to what a quantised tensor could hold, and which elements it could hold.
Metas fake_quantized(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::pointwise({&self}, self.dtype), shape::pointwise({&self}, at::kBool)};
}

/// div with rounding: rounded quotients of integers stay integers.
Metas divide_with_mode(const Call& call) {
  return call.has("rounding_mode") ? binary<Result::kSame>(call) : binary<Result::kFloat>(call);
}

Metas absolute(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::pointwise({&self}, promotion::to_real(self.dtype))};
}

/// The angle of complex numbers goes through a dense copy.
Metas angle(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  if (!c10::isComplexType(self.dtype)) return unary<Result::kFloat>(call);
  return {shape::contiguous(self.sizes, promotion::to_real(self.dtype), self.device)};
}

Metas complex(const Call& call) {
  const TensorMeta &real = call.tensor("real"), &imag = call.tensor("imag");
  return {shape::pointwise({&real, &imag}, c10::toComplexType(real.dtype))};
}

Metas clamp(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const bool exact = c10::isIntegralType(self.dtype, /*includeBool=*/true);
  const auto promoted = promotion::ResultType().add(self).add(call, "min").add(call, "max").get();
  return {shape::pointwise({&self}, exact ? promoted : self.dtype)};
}

Metas clamp_by_tensors(const Call& call) {
  const auto promoted = promotion::ResultType().add(call, "self").add(call, "min").add(call, "max").get();
  std::vector<const TensorMeta*> operands = {&call.tensor("self")};
  for (const char* bound : {"min", "max"}) {
    if (call.has(bound)) operands.push_back(operand(call, bound));
  }
  return {shape::pointwise(operands, promoted)};
}

Metas where(const Call& call) {
  const auto promoted = promotion::ResultType().add(call, "self").add(call, "other").get();
  return {shape::pointwise({&call.tensor("condition"), operand(call, "self"), operand(call, "other")}, promoted)};
}

}  // namespace

std::span<const Operator> pointwise_operators() {
  namespace to = decompositions;
  static constexpr auto same = unary<Result::kSame>;
  static constexpr auto to_float = unary<Result::kFloat>;
  static constexpr auto to_bool = unary<Result::kBool>;
  static constexpr auto binary_same = binary<Result::kSame>;
  static constexpr auto binary_float = binary<Result::kFloat>;
  static constexpr auto binary_bool = binary<Result::kBool>;

  static constexpr Operator table[] = {
      // One operand
      {.name = "aten::abs", .meta = absolute, .onnx = onnx::unary("Abs"), .samples = samples::complex_or_real},
      {.name = "aten::acos", .meta = to_float, .onnx = onnx::unary("Acos"), .samples = samples::unary},
      {.name = "aten::acosh", .meta = to_float, .onnx = onnx::unary("Acosh"), .samples = samples::unary},
      {.name = "aten::angle", .meta = angle, .samples = samples::complex_or_real},
      {.name = "aten::asin", .meta = to_float, .onnx = onnx::unary("Asin"), .samples = samples::unary},
      {.name = "aten::asinh", .meta = to_float, .onnx = onnx::unary("Asinh"), .samples = samples::unary},
      {.name = "aten::atan", .meta = to_float, .onnx = onnx::unary("Atan"), .samples = samples::unary},
      {.name = "aten::atanh", .meta = to_float, .onnx = onnx::unary("Atanh"), .samples = samples::unary},
      {.name = "aten::bitwise_not", .meta = same, .onnx = onnx::bitwise_not, .samples = samples::unary_integer},
      {.name = "aten::ceil", .meta = same, .onnx = onnx::rounding("Ceil"), .samples = samples::unary},
      {.name = "aten::cos", .meta = to_float, .onnx = onnx::unary("Cos"), .samples = samples::unary},
      {.name = "aten::cosh", .meta = to_float, .onnx = onnx::unary("Cosh"), .samples = samples::unary},
      {.name = "aten::deg2rad", .decompose = expand<&to::deg2rad>, .samples = samples::unary},
      {.name = "aten::digamma", .meta = to_float, .samples = samples::unary},
      {.name = "aten::erf", .meta = to_float, .onnx = onnx::unary("Erf"), .samples = samples::unary},
      {.name = "aten::erfc", .meta = to_float, .onnx = onnx::erfc, .samples = samples::unary},
      {.name = "aten::erfinv", .meta = to_float, .samples = samples::unary},
      {.name = "aten::exp", .meta = to_float, .onnx = onnx::unary("Exp"), .samples = samples::unary},
      {.name = "aten::exp2", .meta = to_float, .onnx = onnx::exp2, .samples = samples::unary},
      {.name = "aten::expm1", .meta = to_float, .onnx = onnx::expm1, .samples = samples::unary},
      {.name = "aten::floor", .meta = same, .onnx = onnx::rounding("Floor"), .samples = samples::unary},
      {.name = "aten::frac", .decompose = expand<&to::frac>, .samples = samples::unary_real},
      {.name = "aten::i0", .meta = to_float, .samples = samples::unary},
      {.name = "aten::isinf", .meta = to_bool, .onnx = onnx::float_test("IsInf"), .samples = samples::special_values},
      {.name = "aten::isnan", .meta = to_bool, .onnx = onnx::float_test("IsNaN"), .samples = samples::special_values},
      {.name = "aten::isneginf", .decompose = expand<&to::isneginf>, .samples = samples::special_values},
      {.name = "aten::isposinf", .decompose = expand<&to::isposinf>, .samples = samples::special_values},
      {.name = "aten::lgamma", .meta = to_float, .samples = samples::unary},
      {.name = "aten::log", .meta = to_float, .onnx = onnx::unary("Log"), .samples = samples::unary},
      {.name = "aten::log10", .meta = to_float, .onnx = onnx::log10, .samples = samples::unary},
      {.name = "aten::log1p", .meta = to_float, .onnx = onnx::log1p, .samples = samples::unary},
      {.name = "aten::log2", .meta = to_float, .onnx = onnx::log2, .samples = samples::unary},
      {.name = "aten::logical_not", .meta = to_bool, .onnx = onnx::logical_not, .samples = samples::unary},
      {.name = "aten::logit", .decompose = expand<&to::logit>, .samples = samples::logit},
      {.name = "aten::mvlgamma", .decompose = expand<&to::mvlgamma>, .samples = samples::mvlgamma},
      {.name = "aten::nan_to_num", .decompose = expand<&to::nan_to_num>, .samples = samples::nan_to_num},
      {.name = "aten::_conj", .decompose = expand<&to::conj>, .samples = samples::complex_only},
      {.name = "aten::_conj_physical", .meta = same, .samples = samples::complex_or_real},
      {.name = "aten::_fake_quantize_per_tensor_affine_cachemask_tensor_qparams",
       .meta = fake_quantized,
       .samples = samples::fake_quantize_by_tensors},
      {.name = "aten::fake_quantize_per_channel_affine_cachemask",
       .meta = fake_quantized,
       .samples = samples::fake_quantize_channels},
      {.name = "aten::fake_quantize_per_tensor_affine_cachemask",
       .meta = fake_quantized,
       .samples = samples::fake_quantize},
      {.name = "aten::_neg_view", .decompose = expand<&to::neg_view>, .samples = samples::unary},
      {.name = "aten::neg", .meta = same, .onnx = onnx::unary("Neg"), .samples = samples::unary},
      {.name = "aten::rad2deg", .decompose = expand<&to::rad2deg>, .samples = samples::unary},
      {.name = "aten::reciprocal", .decompose = expand<&to::reciprocal>, .samples = samples::unary},
      {.name = "aten::round", .meta = same, .onnx = onnx::rounding("Round"), .samples = samples::unary},
      {.name = "aten::round.decimals",
       .meta = same,
       .onnx = onnx::rounding("Round"),
       .samples = samples::round_decimals},
      {.name = "aten::rsqrt", .decompose = expand<&to::rsqrt>, .samples = samples::unary},
      {.name = "aten::sgn", .decompose = expand<&to::sgn>, .samples = samples::sgn},
      {.name = "aten::sigmoid", .meta = to_float, .onnx = onnx::unary("Sigmoid"), .samples = samples::unary},
      {.name = "aten::sign", .meta = same, .onnx = onnx::unary("Sign"), .samples = samples::unary},
      {.name = "aten::signbit", .meta = to_bool, .onnx = onnx::sign_bit, .samples = samples::unary},
      {.name = "aten::sin", .meta = to_float, .onnx = onnx::unary("Sin"), .samples = samples::unary},
      {.name = "aten::sinc", .decompose = expand<&to::sinc>, .samples = samples::unary},
      {.name = "aten::sinh", .meta = to_float, .onnx = onnx::unary("Sinh"), .samples = samples::unary},
      {.name = "aten::special_entr", .decompose = expand<&to::special_entr>, .samples = samples::special_values},
      {.name = "aten::special_erfcx", .meta = to_float, .samples = samples::unary_full},
      {.name = "aten::special_log_ndtr", .decompose = expand<&to::special_log_ndtr>, .samples = samples::unary_full},
      {.name = "aten::special_ndtri", .meta = to_float, .samples = samples::unary_full},
      {.name = "aten::sqrt", .meta = to_float, .onnx = onnx::unary("Sqrt"), .samples = samples::unary},
      {.name = "aten::tan", .meta = to_float, .onnx = onnx::unary("Tan"), .samples = samples::unary},
      {.name = "aten::tanh", .meta = to_float, .onnx = onnx::unary("Tanh"), .samples = samples::unary},
      {.name = "aten::trunc", .meta = same, .onnx = onnx::trunc, .samples = samples::unary},

      // Arithmetic
      {.name = "aten::add.Scalar", .meta = binary_same, .onnx = onnx::add, .samples = samples::scaled_by_number},
      {.name = "aten::add.Tensor", .meta = binary_same, .onnx = onnx::add, .samples = samples::scaled},
      {.name = "aten::atan2", .meta = binary_float, .onnx = onnx::atan2, .samples = samples::binary},
      {.name = "aten::complex", .meta = complex, .samples = samples::two_reals},
      {.name = "aten::copysign.Scalar", .meta = binary_float, .samples = samples::with_number},
      {.name = "aten::copysign.Tensor", .meta = binary_float, .samples = samples::binary},
      {.name = "aten::div.Scalar", .meta = binary_float, .onnx = onnx::divide, .samples = samples::with_number},
      {.name = "aten::div.Scalar_mode",
       .meta = divide_with_mode,
       .onnx = onnx::divide,
       .samples = samples::divide_by_number_with_mode},
      {.name = "aten::div.Tensor", .meta = binary_float, .onnx = onnx::divide, .samples = samples::binary},
      {.name = "aten::div.Tensor_mode",
       .meta = divide_with_mode,
       .onnx = onnx::divide,
       .samples = samples::divide_with_mode},
      {.name = "aten::floor_divide", .decompose = expand<&to::floor_divide>, .samples = samples::divide},
      {.name = "aten::floor_divide.Scalar",
       .decompose = expand<&to::floor_divide_scalar>,
       .samples = samples::divide_by_number},
      {.name = "aten::fmax", .meta = binary_same, .onnx = onnx::fmax, .samples = samples::binary_real},
      {.name = "aten::fmin", .meta = binary_same, .onnx = onnx::fmin, .samples = samples::binary_real},
      {.name = "aten::fmod.Scalar", .meta = binary_same, .onnx = onnx::fmod, .samples = samples::divide_by_number},
      {.name = "aten::fmod.Tensor", .meta = binary_same, .onnx = onnx::fmod, .samples = samples::divide},
      {.name = "aten::heaviside", .decompose = expand<&to::heaviside>, .samples = samples::same_dtype},
      {.name = "aten::hypot", .meta = binary_same, .onnx = onnx::hypot, .samples = samples::binary_float},
      {.name = "aten::ldexp.Tensor", .decompose = expand<&to::ldexp>, .samples = samples::binary_real},
      {.name = "aten::logaddexp",
       .meta = binary<Result::kFloat>,
       .decompose = expand<&to::logaddexp>,
       .stays_whole = is_complex,
       .samples = samples::logaddexp},
      {.name = "aten::logaddexp2", .decompose = expand<&to::logaddexp2>, .samples = samples::logaddexp},
      {.name = "aten::maximum", .meta = binary_same, .onnx = onnx::maximum, .samples = samples::binary_real},
      {.name = "aten::minimum", .meta = binary_same, .onnx = onnx::minimum, .samples = samples::binary_real},
      {.name = "aten::mul.Scalar", .meta = binary_same, .onnx = onnx::mul, .samples = samples::with_number},
      {.name = "aten::mul.Tensor", .meta = binary_same, .onnx = onnx::mul, .samples = samples::binary},
      {.name = "aten::nextafter", .meta = binary_same, .samples = samples::binary_float},
      {.name = "aten::polar", .decompose = expand<&to::polar>, .samples = samples::two_reals},
      {.name = "aten::pow.Scalar", .meta = power_of_number, .onnx = onnx::power, .samples = samples::power_of_number},
      {.name = "aten::pow.Tensor_Scalar", .meta = power, .onnx = onnx::power, .samples = samples::with_exponent},
      {.name = "aten::pow.Tensor_Tensor", .meta = power, .onnx = onnx::power, .samples = samples::power},
      {.name = "aten::remainder.Scalar",
       .meta = binary_same,
       .onnx = onnx::remainder,
       .samples = samples::divide_by_number},
      {.name = "aten::remainder.Scalar_Tensor",
       .meta = binary_same,
       .onnx = onnx::remainder,
       .samples = samples::remainder_of_number},
      {.name = "aten::remainder.Tensor", .meta = binary_same, .onnx = onnx::remainder, .samples = samples::divide},
      {.name = "aten::rsub.Scalar", .decompose = expand<&to::rsub_scalar>, .samples = samples::scaled_by_number},
      {.name = "aten::rsub.Tensor", .decompose = expand<&to::rsub>, .samples = samples::scaled},
      {.name = "aten::special_xlog1py", .decompose = expand<&to::special_xlog1py>, .samples = samples::binary},
      {.name = "aten::special_xlog1py.other_scalar",
       .decompose = expand<&to::special_xlog1py_scalar_other>,
       .samples = samples::with_number},
      {.name = "aten::special_xlog1py.self_scalar",
       .decompose = expand<&to::special_xlog1py_scalar_self>,
       .samples = samples::remainder_of_number},
      {.name = "aten::sub.Scalar", .meta = binary_same, .onnx = onnx::sub, .samples = samples::scaled_by_number},
      {.name = "aten::sub.Tensor", .meta = binary_same, .onnx = onnx::sub, .samples = samples::scaled},
      {.name = "aten::xlogy.Scalar_Other",
       .decompose = expand<&to::xlogy_scalar_other>,
       .samples = samples::with_number},
      {.name = "aten::xlogy.Scalar_Self",
       .decompose = expand<&to::xlogy_scalar_self>,
       .samples = samples::remainder_of_number},
      {.name = "aten::xlogy.Tensor", .decompose = expand<&to::xlogy>, .samples = samples::binary},

      // Comparisons
      {.name = "aten::eq.Scalar", .meta = binary_bool, .onnx = onnx::compare("Equal"), .samples = samples::with_number},
      {.name = "aten::eq.Tensor", .meta = binary_bool, .onnx = onnx::compare("Equal"), .samples = samples::binary},
      {.name = "aten::ge.Scalar",
       .meta = binary_bool,
       .onnx = onnx::compare("GreaterOrEqual"),
       .samples = samples::with_number},
      {.name = "aten::ge.Tensor",
       .meta = binary_bool,
       .onnx = onnx::compare("GreaterOrEqual"),
       .samples = samples::binary},
      {.name = "aten::gt.Scalar",
       .meta = binary_bool,
       .onnx = onnx::compare("Greater"),
       .samples = samples::with_number},
      {.name = "aten::gt.Tensor", .meta = binary_bool, .onnx = onnx::compare("Greater"), .samples = samples::binary},
      {.name = "aten::le.Scalar",
       .meta = binary_bool,
       .onnx = onnx::compare("LessOrEqual"),
       .samples = samples::with_number},
      {.name = "aten::le.Tensor",
       .meta = binary_bool,
       .onnx = onnx::compare("LessOrEqual"),
       .samples = samples::binary},
      {.name = "aten::lt.Scalar", .meta = binary_bool, .onnx = onnx::compare("Less"), .samples = samples::with_number},
      {.name = "aten::lt.Tensor", .meta = binary_bool, .onnx = onnx::compare("Less"), .samples = samples::binary},
      {.name = "aten::ne.Scalar",
       .meta = binary_bool,
       .onnx = onnx::compare("NotEqual"),
       .samples = samples::with_number},
      {.name = "aten::ne.Tensor", .meta = binary_bool, .onnx = onnx::compare("NotEqual"), .samples = samples::binary},

      // Bits and truth values
      {.name = "aten::bitwise_and.Scalar",
       .meta = binary_same,
       .onnx = onnx::bitwise("And"),
       .samples = samples::integer_with_number},
      {.name = "aten::bitwise_and.Tensor",
       .meta = binary_same,
       .onnx = onnx::bitwise("And"),
       .samples = samples::binary_integer},
      {.name = "aten::__lshift__.Scalar",
       .decompose = expand<&to::left_shift_by_number>,
       .samples = samples::integer_with_number},
      {.name = "aten::__lshift__.Tensor", .decompose = expand<&to::left_shift>, .samples = samples::binary_integer},
      {.name = "aten::__rshift__.Scalar",
       .decompose = expand<&to::right_shift_by_number>,
       .samples = samples::integer_with_number},
      {.name = "aten::__rshift__.Tensor", .decompose = expand<&to::right_shift>, .samples = samples::binary_integer},
      {.name = "aten::bitwise_left_shift.Tensor_Scalar",
       .decompose = expand<&to::left_shift_by_number>,
       .samples = samples::integer_with_number},
      {.name = "aten::bitwise_right_shift.Tensor_Scalar",
       .decompose = expand<&to::right_shift_by_number>,
       .samples = samples::integer_with_number},
      {.name = "aten::gcd", .meta = binary_same, .samples = samples::binary_integer},
      {.name = "aten::lcm", .meta = binary_same, .samples = samples::binary_integer},
      {.name = "aten::bitwise_left_shift.Tensor",
       .meta = binary_same,
       .onnx = onnx::shift_left,
       .samples = samples::binary_integer},
      {.name = "aten::bitwise_or.Scalar",
       .meta = binary_same,
       .onnx = onnx::bitwise("Or"),
       .samples = samples::integer_with_number},
      {.name = "aten::bitwise_or.Tensor",
       .meta = binary_same,
       .onnx = onnx::bitwise("Or"),
       .samples = samples::binary_integer},
      {.name = "aten::bitwise_right_shift.Tensor",
       .meta = binary_same,
       .onnx = onnx::shift_right,
       .samples = samples::binary_integer},
      {.name = "aten::bitwise_xor.Scalar",
       .meta = binary_same,
       .onnx = onnx::bitwise("Xor"),
       .samples = samples::integer_with_number},
      {.name = "aten::bitwise_xor.Tensor",
       .meta = binary_same,
       .onnx = onnx::bitwise("Xor"),
       .samples = samples::binary_integer},
      {.name = "aten::logical_and", .meta = binary_bool, .onnx = onnx::logical("And"), .samples = samples::binary},
      {.name = "aten::logical_or", .meta = binary_bool, .onnx = onnx::logical("Or"), .samples = samples::binary},
      {.name = "aten::logical_xor", .meta = binary_bool, .onnx = onnx::logical("Xor"), .samples = samples::binary},

      // Three operands, and choices
      {.name = "aten::addcdiv", .decompose = expand<&to::addcdiv>, .samples = samples::addcdiv},
      {.name = "aten::addcmul", .decompose = expand<&to::addcmul>, .samples = samples::addcmul},
      {.name = "aten::clamp", .meta = clamp, .onnx = onnx::clamp, .samples = samples::clamp},
      {.name = "aten::clamp.Tensor",
       .meta = clamp_by_tensors,
       .onnx = onnx::clamp,
       .samples = samples::clamp_by_tensors},
      {.name = "aten::clamp_max", .decompose = expand<&to::clamp_max>, .samples = samples::with_number},
      {.name = "aten::clamp_max.Tensor", .decompose = expand<&to::clamp_max_tensor>, .samples = samples::binary_real},
      {.name = "aten::clamp_min", .decompose = expand<&to::clamp_min>, .samples = samples::with_number},
      {.name = "aten::clamp_min.Tensor", .decompose = expand<&to::clamp_min_tensor>, .samples = samples::binary_real},
      {.name = "aten::logit_backward", .decompose = expand<&to::logit_backward>, .samples = samples::logit_backward},
      {.name = "aten::lerp.Scalar", .decompose = expand<&to::lerp_scalar>, .samples = samples::lerp_by_number},
      {.name = "aten::lerp.Tensor", .decompose = expand<&to::lerp>, .samples = samples::lerp},
      {.name = "aten::masked_fill.Scalar",
       .decompose = expand<&to::masked_fill_scalar>,
       .samples = samples::masked_fill_by_number},
      {.name = "aten::masked_fill.Tensor", .decompose = expand<&to::masked_fill>, .samples = samples::masked_fill},
      {.name = "aten::where.self", .meta = where, .onnx = onnx::where, .samples = samples::where},
  };
  return table;
}

}  // namespace tracejet
