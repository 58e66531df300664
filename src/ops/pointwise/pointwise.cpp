// Operators that compute each element of the output from one element of the input.
// PyTorch: aten/src/ATen/native/UnaryOps.cpp, aten/src/ATen/native/TensorCompare.cpp (isinf, isnan),
// aten/src/ATen/native/quantized/FakeQuantPerTensorAffine.cpp,
// aten/src/ATen/native/quantized/FakeQuantPerChannelAffine.cpp.
#include "ops/families.h"
#include "ops/pointwise/decompositions.h"
#include "ops/pointwise/rules.h"

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
      {.name = "aten::abs", .meta = absolute},
      {.name = "aten::acos", .meta = to_float},
      {.name = "aten::acosh", .meta = to_float},
      {.name = "aten::angle", .meta = angle},
      {.name = "aten::asin", .meta = to_float},
      {.name = "aten::asinh", .meta = to_float},
      {.name = "aten::atan", .meta = to_float},
      {.name = "aten::atanh", .meta = to_float},
      {.name = "aten::bitwise_not", .meta = same},
      {.name = "aten::ceil", .meta = same},
      {.name = "aten::cos", .meta = to_float},
      {.name = "aten::cosh", .meta = to_float},
      {.name = "aten::deg2rad", .decompose = expand<&to::deg2rad>},
      {.name = "aten::erf", .meta = to_float},
      {.name = "aten::erfc", .meta = to_float},
      {.name = "aten::exp", .meta = to_float},
      {.name = "aten::exp2", .meta = to_float},
      {.name = "aten::expm1", .meta = to_float},
      {.name = "aten::floor", .meta = same},
      {.name = "aten::frac", .decompose = expand<&to::frac>},
      {.name = "aten::frexp.Tensor", .meta = mantissa_and_exponent},
      {.name = "aten::isinf", .meta = to_bool},
      {.name = "aten::isnan", .meta = to_bool},
      {.name = "aten::isneginf", .decompose = expand<&to::isneginf>},
      {.name = "aten::isposinf", .decompose = expand<&to::isposinf>},
      {.name = "aten::log", .meta = to_float},
      {.name = "aten::log10", .meta = to_float},
      {.name = "aten::log1p", .meta = to_float},
      {.name = "aten::log2", .meta = to_float},
      {.name = "aten::logical_not", .meta = to_bool},
      {.name = "aten::logit", .decompose = expand<&to::logit>},
      {.name = "aten::mvlgamma", .decompose = expand<&to::mvlgamma>},
      {.name = "aten::nan_to_num", .decompose = expand<&to::nan_to_num>},
      {.name = "aten::_conj", .decompose = expand<&to::conj>},
      {.name = "aten::_conj_physical", .meta = same},
      {.name = "aten::_fake_quantize_per_tensor_affine_cachemask_tensor_qparams", .meta = fake_quantized},
      {.name = "aten::fake_quantize_per_channel_affine_cachemask", .meta = fake_quantized},
      {.name = "aten::fake_quantize_per_tensor_affine_cachemask", .meta = fake_quantized},
      {.name = "aten::_neg_view", .decompose = expand<&to::neg_view>},
      {.name = "aten::neg", .meta = same},
      {.name = "aten::rad2deg", .decompose = expand<&to::rad2deg>},
      {.name = "aten::reciprocal", .decompose = expand<&to::reciprocal>},
      {.name = "aten::round", .meta = same},
      {.name = "aten::round.decimals", .meta = same},
      {.name = "aten::rsqrt", .decompose = expand<&to::rsqrt>},
      {.name = "aten::sgn", .decompose = expand<&to::sgn>},
      {.name = "aten::sigmoid", .meta = to_float},
      {.name = "aten::sign", .meta = same},
      {.name = "aten::signbit", .meta = to_bool},
      {.name = "aten::sin", .meta = to_float},
      {.name = "aten::sinc", .decompose = expand<&to::sinc>},
      {.name = "aten::sinh", .meta = to_float},
      {.name = "aten::special_entr", .decompose = expand<&to::special_entr>},
      {.name = "aten::special_log_ndtr", .decompose = expand<&to::special_log_ndtr>},
      {.name = "aten::sqrt", .meta = to_float},
      {.name = "aten::tan", .meta = to_float},
      {.name = "aten::tanh", .meta = to_float},
      {.name = "aten::trunc", .meta = same},
  };
  return table;
}

}  // namespace tracejet
