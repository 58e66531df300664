// Operators that compute each element of the output from one element of the input.
#include "onnx/conversions.h"
#include "ops/families.h"
#include "ops/pointwise_decompositions.h"
#include "ops/pointwise_rules.h"
#include "ops/pointwise_samples.h"

namespace tracejet {

namespace {

using namespace pointwise;

/// Rounded to what a quantised tensor could hold, and which elements it could hold.
Metas fake_quantized(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::pointwise({&self}, self.dtype), shape::pointwise({&self}, at::kBool)};
}

/// A fraction and a power of 2.
Metas mantissa_and_exponent(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::pointwise({&self}, self.dtype), shape::pointwise({&self}, at::kInt)};
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

}  // namespace

std::span<const Operator> pointwise_operators() {
  namespace to = decompositions;
  static constexpr auto same = unary<Result::kSame>;
  static constexpr auto to_float = unary<Result::kFloat>;
  static constexpr auto to_bool = unary<Result::kBool>;

  static constexpr Operator table[] = {
      {.name = "aten::abs", .meta = absolute, .onnx = onnx::abs, .samples = samples::complex_or_real},
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
      {.name = "aten::erf", .meta = to_float, .onnx = onnx::unary("Erf"), .samples = samples::unary},
      {.name = "aten::erfc", .meta = to_float, .onnx = onnx::erfc, .samples = samples::unary},
      {.name = "aten::exp", .meta = to_float, .onnx = onnx::exp, .samples = samples::unary},
      {.name = "aten::exp2", .meta = to_float, .onnx = onnx::exp2, .samples = samples::unary},
      {.name = "aten::expm1", .meta = to_float, .onnx = onnx::expm1, .samples = samples::unary},
      {.name = "aten::floor", .meta = same, .onnx = onnx::rounding("Floor"), .samples = samples::unary},
      {.name = "aten::frac", .decompose = expand<&to::frac>, .samples = samples::unary_real},
      {.name = "aten::frexp.Tensor", .meta = mantissa_and_exponent, .samples = samples::unary_real},
      {.name = "aten::isinf", .meta = to_bool, .onnx = onnx::float_test("IsInf"), .samples = samples::special_values},
      {.name = "aten::isnan", .meta = to_bool, .onnx = onnx::float_test("IsNaN"), .samples = samples::special_values},
      {.name = "aten::isneginf", .decompose = expand<&to::isneginf>, .samples = samples::special_values},
      {.name = "aten::isposinf", .decompose = expand<&to::isposinf>, .samples = samples::special_values},
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
      {.name = "aten::sign", .meta = same, .onnx = onnx::sign, .samples = samples::unary},
      {.name = "aten::signbit", .meta = to_bool, .onnx = onnx::sign_bit, .samples = samples::special_values},
      {.name = "aten::sin", .meta = to_float, .onnx = onnx::unary("Sin"), .samples = samples::unary},
      {.name = "aten::sinc", .decompose = expand<&to::sinc>, .samples = samples::unary},
      {.name = "aten::sinh", .meta = to_float, .onnx = onnx::unary("Sinh"), .samples = samples::unary},
      {.name = "aten::special_entr", .decompose = expand<&to::special_entr>, .samples = samples::special_values},
      {.name = "aten::special_log_ndtr", .decompose = expand<&to::special_log_ndtr>, .samples = samples::unary_full},
      {.name = "aten::sqrt", .meta = to_float, .onnx = onnx::unary("Sqrt"), .samples = samples::unary},
      {.name = "aten::tan", .meta = to_float, .onnx = onnx::unary("Tan"), .samples = samples::unary},
      {.name = "aten::tanh", .meta = to_float, .onnx = onnx::unary("Tanh"), .samples = samples::unary},
      {.name = "aten::trunc", .meta = same, .onnx = onnx::trunc, .samples = samples::unary},
  };
  return table;
}

}  // namespace tracejet
