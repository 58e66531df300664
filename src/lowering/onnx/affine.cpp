// ONNX: QuantizeLinear-19, DequantizeLinear-19, Clip-13.
#include "lowering/onnx/affine.h"

#include <limits>

#include <ATen/ops/equal.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros_like.h>

namespace tracejet::onnx::convert::affine {

namespace {

Bounds bounds_of(at::ScalarType dtype) {
  switch (dtype) {
    case at::kByte:
      return {0, 255};
    case at::kChar:
      return {-128, 127};
    case at::kUInt16:
      return {0, 65535};
    case at::kShort:
      return {-32768, 32767};
    case at::kInt:
      return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
    default:
      break;
  }
  const auto bits = static_cast<int64_t>(dtype) - static_cast<int64_t>(at::ScalarType::UInt1) + 1;
  return {0, (int64_t{1} << bits) - 1};  // uint1 to uint7, in bytes
}

int64_t integer_of(const Lowering& to, const Call& call, std::string_view name) {
  const at::Tensor known = constant_of(to, call, name);
  if (!known.defined()) to.fail(std::string(name) + " is computed when the program runs");
  return known.reshape({}).item().toLong();
}

Lowering::Attributes axis_of(const Affine& with) {
  if (with.scale.dim() == 0) return {};
  return {{"axis", with.axis}};
}

/// Add, Sub or Mul.
Operand pointwise(Lowering& to, std::string_view op, const Operand& a, const Operand& b) {
  const auto dtype = c10::promoteTypes(a.dtype, b.dtype);
  return to.emit(op, {to.cast(a, dtype), to.cast(b, dtype)});
}

}  // namespace

at::Tensor constant_of(const Lowering& to, const Call& call, std::string_view name) {
  if (const auto* number = std::get_if<c10::IValue>(&call.argument(name)))
    return at::scalar_tensor(number->toScalar(), at::kDouble);
  return to.known(call.value(name));
}

Bounds bounds(const Lowering& to, const Call& call, at::ScalarType dtype) {
  Bounds given = bounds_of(dtype);
  if (call.has("quant_min")) given.min = integer_of(to, call, "quant_min");
  if (call.has("quant_max")) given.max = integer_of(to, call, "quant_max");
  constexpr int64_t kExact = int64_t{1} << 24;
  if (given.min < -kExact || given.max > kExact) to.fail("quantizes to integers that float32 doesn't hold");
  return given;
}

std::optional<Affine> affine_of(const at::Tensor& scale, const at::Tensor& zero_point, at::ScalarType dtype,
                                std::optional<int64_t> axis) {
  if (!scale.defined() || !zero_point.defined() || (dtype != at::kChar && dtype != at::kByte)) return std::nullopt;
  const at::Tensor stored = zero_point.to(dtype);
  if (!at::equal(stored.to(at::kDouble), zero_point.to(at::kDouble))) return std::nullopt;
  const auto shaped = [&](const at::Tensor& tensor) { return axis ? tensor.reshape({-1}) : tensor.reshape({}); };
  return Affine{shaped(scale.to(at::kFloat)), shaped(stored), axis.value_or(0)};
}

Operand quantized(Lowering& to, const Operand& x, const Affine& with, const Bounds& bounds) {
  const auto dtype = with.zero_point.scalar_type();
  const Operand result =
      to.emit_as(dtype, "QuantizeLinear", {x, to.constant(with.scale), to.constant(with.zero_point)}, axis_of(with));
  const Bounds all = bounds_of(dtype);
  if (bounds.min <= all.min && bounds.max >= all.max) return result;
  return to.emit("Clip", {result, to.number(bounds.min, dtype), to.number(bounds.max, dtype)});
}

Operand dequantized(Lowering& to, const Operand& x, const Affine& with) {
  std::vector<Operand> inputs{x, to.constant(with.scale)};
  if (!at::equal(with.zero_point, at::zeros_like(with.zero_point))) inputs.push_back(to.constant(with.zero_point));
  return to.emit_as(at::kFloat, "DequantizeLinear", inputs, axis_of(with));
}

Operand plus(Lowering& to, const Operand& a, const Operand& b) { return pointwise(to, "Add", a, b); }
Operand minus(Lowering& to, const Operand& a, const Operand& b) { return pointwise(to, "Sub", a, b); }
Operand times(Lowering& to, const Operand& a, const Operand& b) { return pointwise(to, "Mul", a, b); }

Operand clamped(Lowering& to, const Operand& steps, const Bounds& bounds, at::ScalarType dtype) {
  const Operand low = to.number(bounds.min, steps.dtype), high = to.number(bounds.max, steps.dtype);
  return to.cast(to.emit("Min", {to.emit("Max", {steps, low}), high}), dtype);
}

Operand inverse(Lowering& to, const Operand& scale) { return to.emit("Div", {to.number(1, scale.dtype), scale}); }

Operand centred(Lowering& to, const Operand& x, const Operand& zero_point) {
  const auto dtype = c10::promoteTypes(x.dtype, zero_point.dtype);
  if (dtype == at::kChar || dtype == at::kByte || dtype == at::kShort) {
    to.fail(std::string("subtracts zero points as ") + c10::toString(dtype) + ", which overflows");
  }
  return minus(to, to.cast(x, at::kFloat), to.cast(zero_point, at::kFloat));
}

bool is_zero(const at::Tensor& constant) { return constant.defined() && at::equal(constant, at::zeros_like(constant)); }

Operand along(Lowering& to, const Operand& vector, int64_t axis, int64_t rank) {
  return to.unsqueeze(vector, axes_from(1, rank - axis - 1));
}

Operand one_element(Lowering& to, const Call& call, std::string_view name, at::ScalarType dtype) {
  if (std::holds_alternative<c10::IValue>(call.argument(name))) return to.number(call.scalar(name), dtype);
  return to.reshape(to.operand(call, name, dtype), call.tensor(name).sizes, {});
}

}  // namespace tracejet::onnx::convert::affine
