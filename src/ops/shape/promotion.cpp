// PyTorch: aten/src/ATen/native/TypeProperties.cpp (update_result_type_state, result_type).
#include "ops/shape/promotion.h"

#include <c10/core/DefaultDtype.h>

namespace tracejet::promotion {

namespace {

at::ScalarType default_float() { return c10::get_default_dtype_as_scalartype(); }

at::ScalarType default_complex() { return c10::get_default_complex_dtype().toScalarType(); }

at::ScalarType promote(at::ScalarType a, at::ScalarType b) {
  if (a == at::ScalarType::Undefined) return b;
  if (b == at::ScalarType::Undefined) return a;
  return c10::promoteTypes(a, b);
}

/// Joins a kind of operands with a lesser kind.
at::ScalarType combine(at::ScalarType higher, at::ScalarType lower) {
  if (higher == at::ScalarType::Undefined) return lower;
  if (lower == at::ScalarType::Undefined || c10::isComplexType(higher)) return higher;
  if (c10::isFloatingType(higher)) return c10::isComplexType(lower) ? c10::toComplexType(higher) : higher;
  const bool lower_is_higher_category = c10::isFloatingType(lower) || c10::isComplexType(lower);
  if (higher == at::kBool || lower_is_higher_category) return c10::promoteTypes(higher, lower);
  return higher;
}

}  // namespace

at::ScalarType type_of(const c10::Scalar& number) {
  if (number.isComplex()) return default_complex();
  if (number.isFloatingPoint()) return default_float();
  return number.isBoolean() ? at::kBool : at::kLong;
}

ResultType& ResultType::add(const TensorMeta& tensor) {
  at::ScalarType& kind = tensor.dim() > 0 ? tensors_ : scalars_;
  kind = promote(kind, tensor.dtype);
  return *this;
}

ResultType& ResultType::add(const c10::Scalar& number) {
  numbers_ = promote(numbers_, type_of(number));
  return *this;
}

ResultType& ResultType::add(const Call& call, std::string_view argument) {
  if (!call.has(argument)) return *this;
  return call.is_number(argument) ? add(call.scalar(argument)) : add(call.tensor(argument));
}

at::ScalarType ResultType::get() const { return combine(tensors_, combine(scalars_, numbers_)); }

at::ScalarType to_float(at::ScalarType dtype) { return c10::isIntegralType(dtype, true) ? default_float() : dtype; }

at::ScalarType to_sum(at::ScalarType dtype) { return c10::isIntegralType(dtype, true) ? at::kLong : dtype; }

at::ScalarType to_real(at::ScalarType dtype) { return c10::isComplexType(dtype) ? c10::toRealValueType(dtype) : dtype; }

at::ScalarType to_computation(at::ScalarType dtype) {
  return dtype == at::kHalf || dtype == at::kBFloat16 ? at::kFloat : dtype;
}

}  // namespace tracejet::promotion
