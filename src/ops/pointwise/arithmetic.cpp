// Operators that compute each element of the output from elements at the same place of several (broadcast) inputs.
// PyTorch: aten/src/ATen/native/BinaryOps.cpp, aten/src/ATen/native/Pow.cpp (pow),
// aten/src/ATen/native/TensorFactories.cpp (complex), aten/src/ATen/native/TensorCompare.cpp (clamp, where).
#include <algorithm>

#include "ops/families.h"
#include "ops/pointwise/decompositions.h"
#include "ops/pointwise/rules.h"

namespace tracejet {

namespace {

using namespace pointwise;

/// Some operators are expanded by way of what complex numbers don't have, an order.
bool is_complex(c10::ArrayRef<c10::IValue> arguments) {
  return std::ranges::any_of(
      arguments, [](const c10::IValue& argument) { return argument.isTensor() && argument.toTensor().is_complex(); });
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

/// div with rounding: rounded quotients of integers stay integers.
Metas divide_with_mode(const Call& call) {
  return call.has("rounding_mode") ? binary<Result::kSame>(call) : binary<Result::kFloat>(call);
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

std::span<const Operator> arithmetic_operators() {
  namespace to = decompositions;
  static constexpr auto binary_same = binary<Result::kSame>;
  static constexpr auto binary_float = binary<Result::kFloat>;

  static constexpr Operator table[] = {
      // Arithmetic
      {.name = "aten::add.Scalar", .meta = binary_same},
      {.name = "aten::add.Tensor", .meta = binary_same},
      {.name = "aten::atan2", .meta = binary_float},
      {.name = "aten::complex", .meta = complex},
      {.name = "aten::copysign.Scalar", .meta = binary_float},
      {.name = "aten::copysign.Tensor", .meta = binary_float},
      {.name = "aten::div.Scalar", .meta = binary_float},
      {.name = "aten::div.Scalar_mode", .meta = divide_with_mode},
      {.name = "aten::div.Tensor", .meta = binary_float},
      {.name = "aten::div.Tensor_mode", .meta = divide_with_mode},
      {.name = "aten::floor_divide", .decompose = expand<&to::floor_divide>},
      {.name = "aten::floor_divide.Scalar", .decompose = expand<&to::floor_divide_scalar>},
      {.name = "aten::fmax", .meta = binary_same},
      {.name = "aten::fmin", .meta = binary_same},
      {.name = "aten::fmod.Scalar", .meta = binary_same},
      {.name = "aten::fmod.Tensor", .meta = binary_same},
      {.name = "aten::heaviside", .decompose = expand<&to::heaviside>},
      {.name = "aten::hypot", .meta = binary_same},
      {.name = "aten::ldexp.Tensor", .decompose = expand<&to::ldexp>},
      {.name = "aten::logaddexp",
       .meta = binary<Result::kFloat>,
       .decompose = expand<&to::logaddexp>,
       .skip_decomposition_if = is_complex},
      {.name = "aten::logaddexp2", .decompose = expand<&to::logaddexp2>},
      {.name = "aten::maximum", .meta = binary_same},
      {.name = "aten::minimum", .meta = binary_same},
      {.name = "aten::mul.Scalar", .meta = binary_same},
      {.name = "aten::mul.Tensor", .meta = binary_same},
      {.name = "aten::nextafter", .meta = binary_same},
      {.name = "aten::polar", .decompose = expand<&to::polar>},
      {.name = "aten::pow.Scalar", .meta = power_of_number},
      {.name = "aten::pow.Tensor_Scalar", .meta = power},
      {.name = "aten::pow.Tensor_Tensor", .meta = power},
      {.name = "aten::remainder.Scalar", .meta = binary_same},
      {.name = "aten::remainder.Scalar_Tensor", .meta = binary_same},
      {.name = "aten::remainder.Tensor", .meta = binary_same},
      {.name = "aten::rsub.Scalar", .decompose = expand<&to::rsub_scalar>},
      {.name = "aten::rsub.Tensor", .decompose = expand<&to::rsub>},
      {.name = "aten::special_xlog1py", .decompose = expand<&to::special_xlog1py>},
      {.name = "aten::special_xlog1py.other_scalar", .decompose = expand<&to::special_xlog1py_scalar_other>},
      {.name = "aten::special_xlog1py.self_scalar", .decompose = expand<&to::special_xlog1py_scalar_self>},
      {.name = "aten::sub.Scalar", .meta = binary_same},
      {.name = "aten::sub.Tensor", .meta = binary_same},
      {.name = "aten::xlogy.Scalar_Other", .decompose = expand<&to::xlogy_scalar_other>},
      {.name = "aten::xlogy.Scalar_Self", .decompose = expand<&to::xlogy_scalar_self>},
      {.name = "aten::xlogy.Tensor", .decompose = expand<&to::xlogy>},

      // Three operands, and choices
      {.name = "aten::addcdiv", .decompose = expand<&to::addcdiv>},
      {.name = "aten::addcmul", .decompose = expand<&to::addcmul>},
      {.name = "aten::clamp", .meta = clamp},
      {.name = "aten::clamp.Tensor", .meta = clamp_by_tensors},
      {.name = "aten::clamp_max", .decompose = expand<&to::clamp_max>},
      {.name = "aten::clamp_max.Tensor", .decompose = expand<&to::clamp_max_tensor>},
      {.name = "aten::clamp_min", .decompose = expand<&to::clamp_min>},
      {.name = "aten::clamp_min.Tensor", .decompose = expand<&to::clamp_min_tensor>},
      {.name = "aten::logit_backward", .decompose = expand<&to::logit_backward>},
      {.name = "aten::lerp.Scalar", .decompose = expand<&to::lerp_scalar>},
      {.name = "aten::lerp.Tensor", .decompose = expand<&to::lerp>},
      {.name = "aten::masked_fill.Scalar", .decompose = expand<&to::masked_fill_scalar>},
      {.name = "aten::masked_fill.Tensor", .decompose = expand<&to::masked_fill>},
      {.name = "aten::where.self", .meta = where},
  };
  return table;
}

}  // namespace tracejet
