// Functions of two numbers: sums, products, quotients with their remainders, powers, angles.
// ONNX: Add-14, Sub-14, Mul-14, Div-14, Mod-13, Pow-15, Sign-13, Round-11, Atan-7, BitwiseAnd-18.
#include <cmath>
#include <limits>

#include <ATen/ops/tensor.h>

#include "base/power_of_two.h"
#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"
#include "lowering/onnx/pointwise.h"

namespace tracejet::onnx::convert {

namespace {

/// A size may be 0 where there is nothing to divide by it: runtimes look at it all the same.
Operand size_as_divisor(Lowering& to, const c10::SymInt& size) {
  const auto is_empty = symbolic::equal(expression_of(to.output().numel()), 0);
  to.require(symbolic::logical_or(is_empty, symbolic::not_equal(expression_of(size), 0)),
             "divides by a size that is 0");
  return to.number(size.max(1), as_number(to.output().dtype));
}

/// What a call divides by. ATen refuses to divide an integer by 0, which ends the process in some runtimes.
Operand divisor(Lowering& to, const Call& call) {
  const Operand by = other(to, call);
  const ValueRange range = to.range(call, "other");
  if (!is_integer(to.output().dtype) || range.min > 0 || range.max < 0) return by;
  if (call.is_number("other")) {
    const c10::Scalar number = call.scalar("other");
    if (!number.isSymbolic()) to.fail("divides integers by 0");
    if (number.isSymInt() && range.min == 0) return size_as_divisor(to, number.toSymInt());
  }
  Operand is_zero = to.emit_as(at::kBool, "Equal", {by, to.number(0, by.dtype)});
  const Operand safe = choose(to, is_zero, to.number(1, by.dtype), by);
  if (may_be_empty(to.output().numel())) {  // where nothing is divided, a divisor may be 0
    is_zero = to.expand(is_zero, call.is_number("other") ? Sizes{} : call.tensor("other").sizes, to.output().sizes);
  }
  to.forbid(is_zero, "an integer is divided by 0");
  return safe;
}

/// What is left of an exact quotient by a power of two is exact; of others, it may be off by a whole divisor.
void needs_exact_remainder(Lowering& to, const Call& call) {
  if (to.target().exact_remainders || !is_float(to.output().dtype)) return;
  if (call.is_number("other") && !call.scalar("other").isSymbolic()) {
    const double by = call.number("other");
    if (by == 0 || !std::isfinite(by) || is_power_of_two(by)) return;
  }
  to.warn("is what is left of a rounded quotient in " + to.target().name +
          ": near multiples of the divisor, the remainder may be off by one divisor, and the quotient by 1");
}

/// The remainder with the sign of the dividend, as C has it.
Operand c_remainder(Lowering& to, const Operand& a, const Operand& b) {
  const Operand remainder = to.emit("Mod", {a, b}, {{"fmod", int64_t{1}}});
  if (!is_float(a.dtype) || to.target().keeps_nan) return remainder;
  // Nothing of a finite number is divided off by infinity.
  return choose(to, both(to, is_infinite(to, b), negated(to, is_infinite(to, a))), a, remainder);
}

/// Whether a division must be corrected downward: it leaves a remainder whose sign isn't that of the divisor.
Operand needs_floor(Lowering& to, const Operand& remainder, const Operand& divisor) {
  const Operand signs_differ =
      to.emit_as(at::kBool, "Xor", {less_than_zero(to, remainder), less_than_zero(to, divisor)});
  return to.emit_as(at::kBool, "And", {is_nonzero(to, remainder), signs_differ});
}

/// The remainder with the sign of the divisor, as Python has it.
Operand python_remainder(Lowering& to, const Operand& a, const Operand& b) {
  if (!is_float(a.dtype)) return to.emit("Mod", {a, b});
  const Operand remainder = c_remainder(to, a, b);
  return to.emit_as(a.dtype, "Where", {needs_floor(to, remainder, b), to.emit("Add", {remainder, b}), remainder});
}

/// (a - remainder) / b: without a remainder, runtimes can't disagree on how to round.
Operand whole_quotient(Lowering& to, const Operand& a, const Operand& b, const Operand& remainder) {
  return to.emit("Div", {to.emit("Sub", {a, remainder}), b});
}

/// The same of floats, which are rounded too, because some runtimes multiply by the reciprocal.
Operand whole_quotient_of_floats(Lowering& to, const Operand& a, const Operand& b, bool is_floor) {
  const Operand remainder = c_remainder(to, a, b);
  Operand quotient = to.emit("Round", {whole_quotient(to, a, b, remainder)});
  // x // 0 is the infinity that x / 0 is, and so is an infinity that is cut to a whole number.
  Operand is_plain = is_divisor(to, b);
  if (is_floor) {
    const Operand below = to.emit("Sub", {quotient, to.number(1, a.dtype)});
    quotient = choose(to, needs_floor(to, remainder, b), below, quotient);
  } else {
    is_plain = both(to, is_plain, negated(to, is_infinite(to, a)));
  }
  return choose(to, is_plain, quotient, to.emit("Div", {a, b}));
}

Operand positive_power(Lowering& to, const Operand& base, int64_t exponent) {
  if (exponent == 1) return base;
  const Operand half = positive_power(to, base, exponent / 2);
  const Operand square = to.emit("Mul", {half, half});
  return exponent % 2 == 0 ? square : to.emit("Mul", {square, base});
}

void add(Lowering& to, const Call& call, std::string_view target) {
  const auto dtype = to.output().dtype;
  Operand other = computed(to, call, "other", dtype);
  const c10::Scalar alpha = call.declares("alpha") ? call.scalar("alpha") : c10::Scalar(1);
  if (alpha.isSymbolic() || !alpha.equal(1)) other = to.emit("Mul", {other, to.number(alpha, other.dtype)});
  to.result(to.emit(target, {computed(to, call, "self", dtype), other}));
}

void mul(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  if (dtype != at::kBool) return to.result(to.emit("Mul", {self(to, call), other(to, call)}));
  to.result(to.emit("And", {to.operand(call, "self", dtype), to.operand(call, "other", dtype)}));
}

void divide(Lowering& to, const Call& call, std::string_view) {
  const Operand a = self(to, call);
  const Operand b = divisor(to, call);
  const bool has_mode = call.declares("rounding_mode") && call.has("rounding_mode");
  if (!has_mode) return to.result(to.emit("Div", {a, b}));
  const bool is_floor = call.text("rounding_mode") == "floor";
  if (is_float(a.dtype)) {
    needs_exact_remainder(to, call);
    return to.result(whole_quotient_of_floats(to, a, b, is_floor));
  }
  if (a.dtype == at::kInt && to.has_int64()) {
    // A remainder taken off the smallest int32 doesn't fit.
    const Operand x = to.cast(a, at::kLong), y = to.cast(b, at::kLong);
    return to.result(whole_quotient(to, x, y, is_floor ? python_remainder(to, x, y) : c_remainder(to, x, y)));
  }
  if (is_integer(a.dtype) && !are_exact(to, call)) {
    return to.result((is_floor ? floor_division(to, a, b) : truncated_division(to, a, b)).quotient);
  }
  to.result(whole_quotient(to, a, b, is_floor ? python_remainder(to, a, b) : c_remainder(to, a, b)));
}

/// By squaring, which wraps where ATen's does; ONNX's Pow goes by way of floats. `range`: of the exponent.
Operand integer_power(Lowering& to, const Operand& base, const Operand& exponent, const ValueRange& range) {
  const auto number = [&](int64_t value) { return to.number(value, base.dtype); };
  const auto equal = [&](const Operand& a, const Operand& b) { return to.emit_as(at::kBool, "Equal", {a, b}); };
  const Operand one = number(1);
  const auto is_odd = [&](const Operand& x) { return equal(to.emit("BitwiseAnd", {x, one}), one); };
  Operand result = one, factor = base, left = to.emit("Max", {exponent, number(0)});
  double most = range.max;
  while (true) {
    result = to.emit("Mul", {result, choose(to, is_odd(left), factor, one)});
    if (most < 2) break;
    most /= 2;
    factor = to.emit("Mul", {factor, factor});
    left = to.emit("Div", {left, number(2)});
  }
  if (range.min >= 0) return result;
  const Operand of_minus_one = choose(to, is_odd(exponent), number(-1), one);
  const Operand of_others = choose(to, equal(base, number(-1)), of_minus_one, number(0));
  const Operand inverse = choose(to, equal(base, one), one, of_others);
  return choose(to, less_than_zero(to, exponent), inverse, result);
}

void power(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  const Operand base = self(to, call);
  const bool is_known = call.is_number("exponent") && !call.scalar("exponent").isSymbolic();
  if (is_known && is_integer(dtype)) {
    const int64_t exponent = call.integer("exponent");
    if (exponent > 0) return to.result(positive_power(to, base, exponent));
  } else if (is_known) {
    const double exponent = call.number("exponent");
    if (exponent == 1) return to.result(base);
    if (exponent == 2) return to.result(to.emit("Mul", {base, base}));
    if (exponent == 0.5) return to.result(to.emit("Sqrt", {base}));
    if (exponent == 3) return to.result(to.emit("Mul", {to.emit("Mul", {base, base}), base}));
  }
  const Operand exponent = computed(to, call, "exponent", dtype);
  if (is_integer(dtype)) {
    const ValueRange range = to.range(call, "exponent");
    if (to.target().exact_integers) return to.result(integer_power(to, base, exponent, range));
    to.needs_exact_float();
  }
  to.result(to.emit("Pow", {base, exponent}));
}

void remainder(Lowering& to, const Call& call, std::string_view) {
  const Operand a = self(to, call), b = divisor(to, call);
  if (is_integer(a.dtype) && !are_exact(to, call)) return to.result(floor_division(to, a, b).remainder);
  needs_exact_remainder(to, call);
  to.result(python_remainder(to, a, b));
}

void fmod(Lowering& to, const Call& call, std::string_view) {
  const Operand a = self(to, call), b = divisor(to, call);
  if (is_integer(a.dtype) && !are_exact(to, call)) return to.result(truncated_division(to, a, b).remainder);
  needs_exact_remainder(to, call);
  to.result(c_remainder(to, a, b));
}

void shift(Lowering& to, const Call& call, std::string_view direction) {
  // ONNX shifts unsigned integers only; a product or a floored quotient by a power of two is the same for all. One
  // beyond the bits of the dtype, or negative, shifts everything out.
  const Operand x = self(to, call);
  const auto bits = static_cast<int64_t>(c10::elementSize(to.output().dtype)) * 8;
  const Operand by = other(to, call);
  const Operand is_outside = to.emit_as(
      at::kBool, "Or", {less_than_zero(to, by), to.emit_as(at::kBool, "Less", {to.number(bits - 1, by.dtype), by})});
  const bool is_left = direction == "LEFT";
  const bool is_wide = bits == 64 && to.has_int64();
  const int64_t most = is_left ? bits : std::min<int64_t>(bits - 1, is_wide ? 62 : 30);
  std::vector<int64_t> factors;
  for (int64_t i = 0; i < bits; ++i) factors.push_back(static_cast<int64_t>(uint64_t{1} << std::min(i, most)));
  factors.push_back(is_left ? 0 : factors.back());
  const Operand table = to.constant(at::tensor(factors, at::kLong).to(x.dtype));
  const Operand place = to.emit_as(by.dtype, "Where", {is_outside, to.number(bits, by.dtype), by});
  const Operand factor = to.emit_as(x.dtype, "Gather", {table, to.cast(place, at::kLong)}, {{"axis", int64_t{0}}});
  if (is_left) return to.result(to.emit("Mul", {x, factor}));
  const bool is_exact = to.is_exact(to.range(call, "self")) && to.is_exact({0, std::exp2(most)});
  const Operand quotient = is_exact ? whole_quotient(to, x, factor, python_remainder(to, x, factor))
                                    : floor_division(to, x, factor).quotient;
  // The power of two that the last bits would need isn't a number of the dtype: only the sign is left.
  const Operand is_sign = to.emit_as(at::kBool, "Less", {to.number(most, by.dtype), place});
  const Operand sign = to.emit("Neg", {to.cast(less_than_zero(to, x), x.dtype)});
  to.result(is_exact ? to.emit_as(x.dtype, "Where", {is_sign, sign, quotient}) : chosen(to, is_sign, sign, quotient));
}

void atan2(Lowering& to, const Call& call, std::string_view) {
  // atan(y / x), turned by pi into the left half plane; on the axes the quotient isn't usable.
  const auto dtype = to.output().dtype;
  Operand y = to.operand(call, "self", dtype);
  Operand x = to.operand(call, "other", dtype);
  const auto choose = [&](const Operand& condition, const Operand& yes, const Operand& no) {
    return convert::choose(to, condition, yes, no);
  };
  // Two infinities are as far out as each other.
  const Operand are_infinite = both(to, is_infinite(to, y), is_infinite(to, x));
  y = choose(are_infinite, to.emit("Sign", {y}), y);
  x = choose(are_infinite, to.emit("Sign", {x}), x);
  const Operand pi = to.number(M_PI, dtype);
  const Operand half_pi = to.number(M_PI / 2, dtype);
  const Operand is_below = has_sign(to, y);
  const Operand turn = choose(is_below, to.emit("Neg", {pi}), pi);
  const Operand angle = to.emit("Atan", {to.emit("Div", {y, x})});
  const Operand off_axis = choose(less_than_zero(to, x), to.emit("Add", {angle, turn}), angle);
  const Operand at_origin = choose(has_sign(to, x), turn, y);
  const Operand on_axis = choose(is_divisor(to, y), choose(is_below, to.emit("Neg", {half_pi}), half_pi), at_origin);
  to.result(choose(is_nan(to, y), y, choose(is_divisor(to, x), off_axis, on_axis)));
}

void hypot(Lowering& to, const Call& call, std::string_view) {
  // Scaled by the larger one, so that squares don't overflow.
  const auto dtype = to.output().dtype;
  const Operand a = to.emit("Abs", {to.operand(call, "self", dtype)});
  const Operand b = to.emit("Abs", {to.operand(call, "other", dtype)});
  const Operand larger = to.emit("Max", {a, b});
  const Operand safe = to.emit("Max", {larger, least_divisor(to, dtype)});
  const Operand ratio = to.emit("Div", {to.emit("Min", {a, b}), safe});
  const Operand length = to.emit("Sqrt", {to.emit("Add", {to.emit("Mul", {ratio, ratio}), to.number(1, dtype)})});
  // Infinity is longer than anything, NaN included.
  const Operand infinity = to.number(std::numeric_limits<double>::infinity(), dtype);
  const Operand nan = to.number(std::numeric_limits<double>::quiet_NaN(), dtype);
  const Operand known = choose(to, either(to, is_nan(to, a), is_nan(to, b)), nan, to.emit("Mul", {larger, length}));
  to.result(choose(to, either(to, is_infinite(to, a), is_infinite(to, b)), infinity, known));
}

void copysign(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  const Operand size = to.emit("Abs", {to.operand(call, "self", dtype)});
  to.result(choose(to, has_sign(to, to.operand(call, "other", dtype)), to.emit("Neg", {size}), size));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> arithmetic_conversions() {
  static constexpr Conversion table[] = {
      {"aten::add.Scalar", convert::add, "Add"},
      {"aten::add.Tensor", convert::add, "Add"},
      {"aten::sub.Scalar", convert::add, "Sub"},
      {"aten::sub.Tensor", convert::add, "Sub"},
      {"aten::mul.Scalar", convert::mul},
      {"aten::mul.Tensor", convert::mul},
      {"aten::div.Scalar", convert::divide},
      {"aten::div.Scalar_mode", convert::divide},
      {"aten::div.Tensor", convert::divide},
      {"aten::div.Tensor_mode", convert::divide},
      {"aten::pow.Scalar", convert::power},
      {"aten::pow.Tensor_Scalar", convert::power},
      {"aten::pow.Tensor_Tensor", convert::power},
      {"aten::remainder.Scalar", convert::remainder},
      {"aten::remainder.Scalar_Tensor", convert::remainder},
      {"aten::remainder.Tensor", convert::remainder},
      {"aten::fmod.Scalar", convert::fmod},
      {"aten::fmod.Tensor", convert::fmod},
      {"aten::atan2", convert::atan2},
      {"aten::copysign.Scalar", convert::copysign},
      {"aten::copysign.Tensor", convert::copysign},
      {"aten::hypot", convert::hypot},
      {"aten::bitwise_left_shift.Tensor", convert::shift, "LEFT"},
      {"aten::bitwise_right_shift.Tensor", convert::shift, "RIGHT"},
  };
  return table;
}

}  // namespace tracejet::onnx
