// ONNX: BitwiseAnd-18, BitwiseNot-18, BitwiseXor-18, Floor-13, ReduceMax-20, ReduceMin-20.
#include "lowering/onnx/integers.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <ATen/ops/scalar_tensor.h>

#include "ir/analysis/value_range.h"
#include "lowering/onnx/pointwise.h"

namespace tracejet::onnx::convert {

namespace {

constexpr int64_t kHalf = 65536;

/// The arguments that may be numbers where a tensor could be.
constexpr std::array<std::string_view, 6> kNumbers = {"self", "other", "alpha", "exponent", "min", "max"};

/// Whether the dtype has the number, or one as near as its other numbers are to each other.
bool holds(at::ScalarType dtype, const c10::Scalar& number) {
  if (number.isSymbolic() || !std::isfinite(number.toDouble())) return true;
  const double value = number.toDouble();
  const double there = at::scalar_tensor(number, dtype).toType(at::kDouble).item<double>();
  return std::abs(there - value) <= std::abs(value) / 128;
}

Operand inverted(Lowering& to, const Operand& condition) { return to.emit_as(at::kBool, "Not", {condition}); }
Operand signs_differ(Lowering& to, const Operand& a, const Operand& b) {
  return to.emit_as(at::kBool, "Xor", {less_than_zero(to, a), less_than_zero(to, b)});
}

/// The quotient as float32 has it, and what is left: far smaller than the dividend, and computed exactly.
Division estimated(Lowering& to, const Operand& a, const Operand& b) {
  const Operand ratio = to.emit("Div", {to.cast(a, at::kFloat), to.cast(b, at::kFloat)});
  const Operand quotient = to.cast(to.emit("Floor", {ratio}), a.dtype);
  return {quotient, to.emit("Sub", {a, to.emit("Mul", {quotient, b})})};
}

/// One step where `condition` holds.
Division stepped(Lowering& to, const Division& from, const Operand& condition, const Operand& divisor,
                 std::string_view quotient, std::string_view remainder) {
  const Operand step = to.cast(condition, divisor.dtype);
  return {to.emit(quotient, {from.quotient, step}),
          to.emit(remainder, {from.remainder, to.emit("Mul", {divisor, step})})};
}

}  // namespace

bool is_narrow(at::ScalarType dtype) {
  return dtype == at::kByte || dtype == at::kChar || dtype == at::kShort || dtype == at::kUInt16;
}

at::ScalarType as_number(at::ScalarType dtype) { return dtype == at::kBool || is_narrow(dtype) ? at::kInt : dtype; }

at::ScalarType computed_in(const Lowering& to, const Call& call, at::ScalarType dtype) {
  if (!at::isReducedFloatingType(dtype)) return as_number(dtype);
  const auto is_beyond = [&](std::string_view name) {
    return call.declares(name) && call.has(name) && call.is_number(name) && !holds(dtype, call.scalar(name));
  };
  const bool in_16_bits = to.target().float16 && std::ranges::none_of(kNumbers, is_beyond);
  return in_16_bits ? dtype : at::kFloat;
}

Operand computed(Lowering& to, const Call& call, std::string_view name, at::ScalarType dtype) {
  const auto number = computed_in(to, call, dtype);
  if (call.is_number(name)) return to.number(wrapped_number(call.scalar(name), dtype), number);
  return to.cast(to.operand(call, name, dtype), number);
}

c10::Scalar wrapped_number(const c10::Scalar& number, at::ScalarType dtype) {
  if (number.isSymbolic() || number.isFloatingPoint() || (!is_narrow(dtype) && dtype != at::kInt)) return number;
  return at::scalar_tensor(number, at::kLong).to(dtype).item();
}

Operand wrapped(Lowering& to, const Operand& x, at::ScalarType dtype) {
  const ValueRange limits = limits_of(dtype);
  const auto number = [&](double value) { return to.number(static_cast<int64_t>(value), x.dtype); };
  const Operand low = to.emit("BitwiseAnd", {x, number(limits.max - limits.min)});
  if (limits.min == 0) return to.cast(low, dtype);
  // The sign bit counts downward.
  const Operand sign = number(-limits.min);
  return to.cast(to.emit("Sub", {to.emit("BitwiseXor", {low, sign}), sign}), dtype);
}

Operand equal(Lowering& to, const Operand& a, const Operand& b) { return is_zero(to, to.emit("Sub", {a, b})); }

Operand less(Lowering& to, const Operand& a, const Operand& b) {
  return inverted(to, equal(to, to.emit("Max", {a, b}), a));
}

Division floor_division(Lowering& to, const Operand& a, const Operand& b) {
  const Division first = estimated(to, a, b);
  const Division second = estimated(to, first.remainder, b);
  // Now the quotient is off by one at most.
  const Division close{to.emit("Add", {first.quotient, second.quotient}), second.remainder};
  const Operand is_over = both(to, inverted(to, is_zero(to, close.remainder)), signs_differ(to, close.remainder, b));
  const Division lowered = stepped(to, close, is_over, b, "Sub", "Add");
  const Operand rest = to.emit("Sub", {lowered.remainder, b});
  const Operand is_under = to.emit_as(at::kBool, "Or", {is_zero(to, rest), inverted(to, signs_differ(to, rest, b))});
  const Operand has_rest = both(to, is_under, inverted(to, is_zero(to, lowered.remainder)));
  return stepped(to, lowered, has_rest, b, "Add", "Sub");
}

Division truncated_division(Lowering& to, const Operand& a, const Operand& b) {
  const Division floored = floor_division(to, a, b);
  const Operand is_below = both(to, inverted(to, is_zero(to, floored.remainder)), signs_differ(to, a, b));
  return stepped(to, floored, is_below, b, "Add", "Sub");
}

Halves halves(Lowering& to, const Operand& x) {
  const Operand low = to.emit("BitwiseAnd", {x, to.number(kHalf - 1, x.dtype)});
  return {low, to.emit("Div", {to.emit("Sub", {x, low}), to.number(kHalf, x.dtype)})};
}

Operand joined(Lowering& to, const Halves& parts) {
  return to.emit("Add", {to.emit("Mul", {parts.high, to.number(kHalf, parts.high.dtype)}), parts.low});
}

Operand by_halves(Lowering& to, const Operand& x, const Mover& move) {
  const auto [low, high] = halves(to, x);
  return joined(to, {move(low, false), move(high, true)});
}

Operand extremum_by_halves(Lowering& to, std::string_view op, const Operand& x, const std::vector<int64_t>& axes,
                           bool keep) {
  const auto reduced = [&](const Operand& half, bool keeps) {
    std::vector<Operand> inputs{half};
    if (!axes.empty()) inputs.push_back(to.integers(axes));
    return to.emit(op, inputs, {{"keepdims", int64_t{keeps}}});
  };
  // The best high half, then the best low half among those that have it.
  const auto [low, high] = halves(to, x);
  const Operand best = reduced(high, true);
  const Operand others = to.number(op == "ReduceMax" ? 0 : kHalf - 1, x.dtype);
  const Operand has_best = to.emit_as(at::kBool, "Equal", {high, best});
  const Operand candidates = to.emit_as(x.dtype, "Where", {has_best, low, others});
  return joined(to, {reduced(candidates, keep), keep ? best : reduced(high, false)});
}

Operand chosen(Lowering& to, const Operand& condition, const Operand& yes, const Operand& no) {
  const Operand difference = to.emit("Sub", {yes, no});
  return to.emit("Add", {no, to.emit("Mul", {difference, to.cast(condition, no.dtype)})});
}

Operand smaller(Lowering& to, const Operand& a, const Operand& b) {
  const auto reversed = [&](const Operand& x) { return to.emit("BitwiseNot", {x}); };
  return reversed(to.emit("Max", {reversed(a), reversed(b)}));
}

}  // namespace tracejet::onnx::convert
