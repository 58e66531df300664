#include <cmath>
#include <limits>

#include <ATen/ops/tensor.h>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"

namespace tracejet::onnx::convert {

namespace {

Operand absolute(Lowering& to, const Operand& x, int64_t rank) {
  if (to.target().vector_abs || rank != 1) return to.emit("Abs", {x});
  if (is_integer(x.dtype)) return to.emit("Max", {x, to.emit("Neg", {x})});
  const Operand is_negative = to.emit_as(at::kBool, "Less", {x, to.number(0, x.dtype)});
  return to.emit_as(x.dtype, "Where", {is_negative, to.emit("Neg", {x}), x});
}

/// The operand in the dtype of the result, as it is computed.
Operand self(Lowering& to, const Call& call) {
  const auto dtype = to.output().dtype;
  return dtype == at::kBool ? to.operand(call, "self", dtype) : computed(to, call, "self", dtype);
}
Operand other(Lowering& to, const Call& call) { return computed(to, call, "other", to.output().dtype); }

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

/// Whether the reader computes with both operands exactly.
bool are_exact(const Lowering& to, const Call& call) {
  return to.is_exact(to.range(call, "self")) && to.is_exact(to.range(call, "other"));
}

Operand less_than_zero(Lowering& to, const Operand& x) {
  return to.emit_as(at::kBool, "Less", {x, to.number(0, x.dtype)});
}

/// Toward zero; ONNX has no operator for it.
Operand truncated(Lowering& to, const Operand& x) {
  return to.emit_as(x.dtype, "Where", {less_than_zero(to, x), to.emit("Ceil", {x}), to.emit("Floor", {x})});
}

Operand is_infinite(Lowering& to, const Operand& x) { return to.emit_as(at::kBool, "IsInf", {x}); }

Operand both(Lowering& to, const Operand& a, const Operand& b) { return to.emit_as(at::kBool, "And", {a, b}); }
Operand either(Lowering& to, const Operand& a, const Operand& b) { return to.emit_as(at::kBool, "Or", {a, b}); }

/// The remainder with the sign of the dividend, as C has it.
Operand c_remainder(Lowering& to, const Operand& a, const Operand& b) {
  const Operand remainder = to.emit("Mod", {a, b}, {{"fmod", int64_t{1}}});
  if (!is_float(a.dtype) || to.target().keeps_nan) return remainder;
  // Nothing of a finite number is divided off by infinity.
  return choose(to, both(to, is_infinite(to, b), negated(to, is_infinite(to, a))), a, remainder);
}

Operand is_nonzero(Lowering& to, const Operand& x) { return to.cast(x, at::kBool); }

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
  Operand is_plain = is_nonzero(to, b);
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

/// Whether the sign of every difference of the operands is already known, as a number of no more bits than are
/// computed.
bool is_decided(const Lowering& to, const Call& call) {
  const ValueRange a = to.range(call, "self"), b = to.range(call, "other");
  return !to.has_int64() && (a.max < b.min || b.max < a.min);
}

Operand compared(Lowering& to, std::string_view target, const Operand& a, const Operand& b) {
  if (target == "Equal") return equal(to, a, b);
  if (target == "Less") return less(to, a, b);
  return negated(to, less(to, b, a));  // LessOrEqual
}

void unary(Lowering& to, const Call& call, std::string_view target) {
  const Operand x = self(to, call);
  if (target == "Relu" && is_integer(x.dtype)) return to.result(to.emit("Max", {x, to.number(0, x.dtype)}));
  to.result(to.emit(target, {x}));
}

void exp(Lowering& to, const Call& call, std::string_view) { to.result(exponential(to, self(to, call))); }

void sign(Lowering& to, const Call& call, std::string_view) {
  const Operand x = self(to, call);
  const Operand result = to.emit("Sign", {x});
  to.result(is_float(x.dtype) ? choose(to, is_nan(to, x), to.number(0, x.dtype), result) : result);
}

void abs(Lowering& to, const Call& call, std::string_view) {
  to.result(absolute(to, self(to, call), to.output().dim()));
}

void rounding(Lowering& to, const Call& call, std::string_view target) {
  const Operand x = self(to, call);
  if (call.declares("decimals") && call.integer("decimals") != 0) {
    const Operand scale = to.number(std::pow(10.0, call.integer("decimals")), x.dtype);
    return to.result(to.emit("Div", {to.emit(target, {to.emit("Mul", {x, scale})}), scale}));
  }
  to.result(is_float(x.dtype) ? to.emit(target, {x}) : x);
}

void log_of_base(Lowering& to, const Call& call, std::string_view base) {
  const Operand x = self(to, call);
  const double factor = 1.0 / std::log(std::stod(std::string(base)));
  to.result(to.emit("Mul", {to.emit("Log", {x}), to.number(factor, x.dtype)}));
}

void log1p(Lowering& to, const Call& call, std::string_view) {
  // log(1 + x) loses x where it is small; x * log(y) / (y - 1) with y = 1 + x doesn't (Kahan).
  const Operand x = self(to, call);
  const Operand one = to.number(1, x.dtype);
  const Operand y = to.emit("Add", {x, one});
  const Operand d = to.emit("Sub", {y, one});
  const Operand is_tiny = to.emit_as(at::kBool, "Equal", {d, to.number(0, x.dtype)});
  const Operand safe = to.emit_as(x.dtype, "Where", {is_tiny, one, d});
  const Operand log = to.emit("Log", {y});
  const Operand exact = to.emit("Mul", {log, to.emit("Div", {x, safe})});
  const Operand is_infinite =
      to.emit_as(at::kBool, "Equal", {x, to.number(std::numeric_limits<double>::infinity(), x.dtype)});
  const Operand finite = to.emit_as(x.dtype, "Where", {is_tiny, x, exact});
  to.result(to.emit_as(x.dtype, "Where", {is_infinite, x, finite}));
}

void expm1(Lowering& to, const Call& call, std::string_view) {
  // 2 * exp(x / 2) * sinh(x / 2) keeps what exp(x) - 1 loses near zero.
  const Operand x = self(to, call);
  const Operand half = to.emit("Mul", {x, to.number(0.5, x.dtype)});
  const Operand near =
      to.emit("Mul", {to.emit("Mul", {to.emit("Exp", {half}), to.emit("Sinh", {half})}), to.number(2, x.dtype)});
  const Operand far = to.emit("Sub", {exponential(to, x), to.number(1, x.dtype)});
  const Operand is_near = to.emit_as(at::kBool, "Less", {absolute(to, x, to.output().dim()), to.number(1, x.dtype)});
  to.result(to.emit_as(x.dtype, "Where", {is_near, near, far}));
}

void exp2(Lowering& to, const Call& call, std::string_view) {
  const Operand x = self(to, call);
  to.result(to.emit("Pow", {to.number(2, x.dtype), x}));
}

void erfc(Lowering& to, const Call& call, std::string_view) {
  const Operand x = self(to, call);
  to.result(to.emit("Sub", {to.number(1, x.dtype), to.emit("Erf", {x})}));
}

void trunc(Lowering& to, const Call& call, std::string_view) {
  const Operand x = self(to, call);
  to.result(is_float(x.dtype) ? truncated(to, x) : x);
}

void float_test(Lowering& to, const Call& call, std::string_view target) {
  Operand x = to.operand(call, "self");
  if (!is_float(x.dtype)) x = to.cast(x, at::kFloat);
  to.result(to.emit_as(at::kBool, target, {x}));
}

/// less_than_zero, and -0.0 too: its reciprocal is.
Operand has_sign(Lowering& to, const Operand& x) {
  if (!is_float(x.dtype)) return less_than_zero(to, x);
  const Operand is_zero = to.emit_as(at::kBool, "Equal", {x, to.number(0, x.dtype)});
  return less_than_zero(to, choose(to, is_zero, to.emit("Div", {to.number(1, x.dtype), x}), x));
}

void sign_bit(Lowering& to, const Call& call, std::string_view) {
  const Operand x = to.operand(call, "self");
  to.result(has_sign(to, to.cast(x, as_number(x.dtype))));
}

void copysign(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  const Operand size = to.emit("Abs", {to.operand(call, "self", dtype)});
  to.result(choose(to, has_sign(to, to.operand(call, "other", dtype)), to.emit("Neg", {size}), size));
}

void logical_not(Lowering& to, const Call& call, std::string_view) {
  to.result(negated(to, is_nonzero(to, to.operand(call, "self"))));
}

void bitwise_not(Lowering& to, const Call& call, std::string_view) {
  const Operand x = to.operand(call, "self");
  to.result(x.dtype == at::kBool ? negated(to, x) : to.emit("BitwiseNot", {x}));
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
  if (is_float(a.dtype)) return to.result(whole_quotient_of_floats(to, a, b, is_floor));
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

namespace {

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

}  // namespace

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

void extremum(Lowering& to, const Call& call, std::string_view target) {
  const auto dtype = to.output().dtype;
  to.result(extremum_of(to, target, computed(to, call, "self", dtype), computed(to, call, "other", dtype)));
}

void number_extremum(Lowering& to, const Call& call, std::string_view target) {
  const auto dtype = as_number(to.output().dtype);
  const Operand a = computed(to, call, "self", to.output().dtype);
  const Operand b = other(to, call);
  if (!is_float(dtype)) return to.result(to.emit(target, {a, b}));
  const auto or_else = [&](const Operand& x, const Operand& instead) { return choose(to, is_nan(to, x), instead, x); };
  to.result(to.emit(target, {or_else(a, b), or_else(b, a)}));
}

void remainder(Lowering& to, const Call& call, std::string_view) {
  const Operand a = self(to, call), b = divisor(to, call);
  if (is_integer(a.dtype) && !are_exact(to, call)) return to.result(floor_division(to, a, b).remainder);
  to.result(python_remainder(to, a, b));
}

void fmod(Lowering& to, const Call& call, std::string_view) {
  const Operand a = self(to, call), b = divisor(to, call);
  if (is_integer(a.dtype) && !are_exact(to, call)) return to.result(truncated_division(to, a, b).remainder);
  to.result(c_remainder(to, a, b));
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
  const Operand on_axis = choose(is_nonzero(to, y), choose(is_below, to.emit("Neg", {half_pi}), half_pi), at_origin);
  to.result(choose(is_nan(to, y), y, choose(is_nonzero(to, x), off_axis, on_axis)));
}

void hypot(Lowering& to, const Call& call, std::string_view) {
  // Scaled by the larger one, so that squares don't overflow.
  const auto dtype = to.output().dtype;
  const Operand a = absolute(to, to.operand(call, "self", dtype), call.tensor("self").dim());
  const Operand b = absolute(to, to.operand(call, "other", dtype), call.tensor("other").dim());
  const Operand larger = to.emit("Max", {a, b});
  const Operand safe = to.emit_as(dtype, "Where", {is_nonzero(to, larger), larger, to.number(1, dtype)});
  const Operand ratio = to.emit("Div", {to.emit("Min", {a, b}), safe});
  const Operand length = to.emit("Sqrt", {to.emit("Add", {to.emit("Mul", {ratio, ratio}), to.number(1, dtype)})});
  // Infinity is longer than anything, NaN included.
  const Operand infinity = to.number(std::numeric_limits<double>::infinity(), dtype);
  const Operand nan = to.number(std::numeric_limits<double>::quiet_NaN(), dtype);
  const Operand known = choose(to, either(to, is_nan(to, a), is_nan(to, b)), nan, to.emit("Mul", {larger, length}));
  to.result(choose(to, either(to, is_infinite(to, a), is_infinite(to, b)), infinity, known));
}

void compare(Lowering& to, const Call& call, std::string_view target) {
  const bool is_negated = target == "NotEqual";
  if (is_negated) target = "Equal";
  const auto dtype = promoted(call, {"self", "other"});
  if (dtype == at::kLong && is_decided(to, call)) {
    const bool is_less = to.range(call, "self").max < to.range(call, "other").min;
    const bool truth = target == "Less" || target == "LessOrEqual" ? is_less : target != "Equal" && !is_less;
    return to.result(to.expand(to.number(is_negated || truth, at::kBool), {}, to.output().sizes));
  }
  const auto argument = [&](std::string_view name) {
    return dtype == at::kBool && target == "Equal" ? to.operand(call, name, dtype) : computed(to, call, name, dtype);
  };
  Operand a = argument("self"), b = argument("other");
  // a > b is b < a: some runtimes have it that NaN is greater than anything, and none that anything is less than NaN.
  if (target.starts_with("Greater")) std::swap(a, b);
  if (target == "Greater") target = "Less";
  if (target == "GreaterOrEqual") target = "LessOrEqual";
  const bool is_plain = !is_integer(a.dtype) || are_exact(to, call);
  const Operand result = is_plain ? to.emit_as(at::kBool, target, {a, b}) : compared(to, target, a, b);
  to.result(is_negated ? negated(to, result) : result);
}

void logical(Lowering& to, const Call& call, std::string_view target) {
  const auto truth = [&](std::string_view name) {
    return call.is_number(name) ? to.number(call.scalar(name), at::kBool) : is_nonzero(to, to.operand(call, name));
  };
  to.result(to.emit(target, {truth("self"), truth("other")}));
}

void bitwise(Lowering& to, const Call& call, std::string_view target) {
  const auto dtype = to.output().dtype;
  const std::string op = dtype == at::kBool ? std::string(target) : "Bitwise" + std::string(target);
  to.result(to.emit(op, {to.operand(call, "self", dtype), to.operand(call, "other", dtype)}));
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

void where(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  const Operand condition = to.cast(to.operand(call, "condition"), at::kBool);
  const bool is_plain = !is_integer(dtype);
  const Operand yes = is_plain ? to.operand(call, "self", dtype) : self(to, call);
  const Operand no = is_plain ? to.operand(call, "other", dtype) : other(to, call);
  if (!is_plain && !are_exact(to, call)) return to.result(chosen(to, condition, yes, no));
  to.result(to.emit_as(yes.dtype, "Where", {condition, yes, no}));
}

void clamp(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  const auto bound = [&](std::string_view name) {
    return call.declares(name) && call.has(name) ? computed(to, call, name, dtype) : Operand{};
  };
  const Operand min = bound("min");
  const Operand max = bound("max");
  Operand x = self(to, call);
  const bool are_numbers = (min.name.empty() || call.is_number("min")) && (max.name.empty() || call.is_number("max"));
  if (are_numbers && is_float(dtype)) {
    // Without a bound, runtimes cut infinities down to the greatest number.
    const Operand infinity = to.number(std::numeric_limits<double>::infinity(), dtype);
    const Operand least = min.name.empty() ? to.number(-std::numeric_limits<double>::infinity(), dtype) : min;
    return to.result(to.emit("Clip", {x, least, max.name.empty() ? infinity : max}));
  }
  if (!min.name.empty()) x = extremum_of(to, "Max", x, min);
  // Max and Min of numbers become a Clip, which some readers compute in float32.
  const auto fits = [&](std::string_view name) {
    return !call.declares(name) || !call.has(name) || to.is_exact(to.range(call, name));
  };
  const bool is_plain = !is_integer(x.dtype) || (fits("self") && fits("min") && fits("max"));
  if (!max.name.empty()) x = is_plain ? extremum_of(to, "Min", x, max) : smaller(to, x, max);
  to.result(x);
}

void cast(Lowering& to, const Call& call, std::string_view) {
  // To a narrow integer, result() wraps around what needs it.
  const auto dtype = to.output().dtype;
  to.result(is_narrow(dtype) ? to.operand(call, "self") : to.operand(call, "self", dtype));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> pointwise_conversions() {
  static constexpr Conversion table[] = {
      // One operand, one ONNX operator, computed in the dtype of the result.
      {"aten::relu", convert::unary, "Relu"},
      {"aten::acos", convert::unary, "Acos"},
      {"aten::acosh", convert::unary, "Acosh"},
      {"aten::asin", convert::unary, "Asin"},
      {"aten::asinh", convert::unary, "Asinh"},
      {"aten::atan", convert::unary, "Atan"},
      {"aten::atanh", convert::unary, "Atanh"},
      {"aten::cos", convert::unary, "Cos"},
      {"aten::cosh", convert::unary, "Cosh"},
      {"aten::erf", convert::unary, "Erf"},
      {"aten::log", convert::unary, "Log"},
      {"aten::neg", convert::unary, "Neg"},
      {"aten::sigmoid", convert::unary, "Sigmoid"},
      {"aten::sin", convert::unary, "Sin"},
      {"aten::sinh", convert::unary, "Sinh"},
      {"aten::sqrt", convert::unary, "Sqrt"},
      {"aten::tan", convert::unary, "Tan"},
      {"aten::tanh", convert::unary, "Tanh"},
      {"aten::abs", convert::abs},
      // Floor, Ceil, Round: integers stay as they are.
      {"aten::ceil", convert::rounding, "Ceil"},
      {"aten::floor", convert::rounding, "Floor"},
      {"aten::round", convert::rounding, "Round"},
      {"aten::round.decimals", convert::rounding, "Round"},
      // IsNaN, IsInf: false for every integer.
      {"aten::isinf", convert::float_test, "IsInf"},
      {"aten::isnan", convert::float_test, "IsNaN"},
      {"aten::exp", convert::exp},
      {"aten::sign", convert::sign},
      {"aten::signbit", convert::sign_bit},
      {"aten::log2", convert::log_of_base, "2"},
      {"aten::log10", convert::log_of_base, "10"},
      {"aten::log1p", convert::log1p},
      {"aten::expm1", convert::expm1},
      {"aten::exp2", convert::exp2},
      {"aten::erfc", convert::erfc},
      {"aten::trunc", convert::trunc},
      {"aten::logical_not", convert::logical_not},
      {"aten::bitwise_not", convert::bitwise_not},
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
      {"aten::maximum", convert::extremum, "Max"},
      {"aten::minimum", convert::extremum, "Min"},
      // fmax, fmin: NaN counts as missing.
      {"aten::fmax", convert::number_extremum, "Max"},
      {"aten::fmin", convert::number_extremum, "Min"},
      {"aten::remainder.Scalar", convert::remainder},
      {"aten::remainder.Scalar_Tensor", convert::remainder},
      {"aten::remainder.Tensor", convert::remainder},
      {"aten::fmod.Scalar", convert::fmod},
      {"aten::fmod.Tensor", convert::fmod},
      {"aten::atan2", convert::atan2},
      {"aten::copysign.Scalar", convert::copysign},
      {"aten::copysign.Tensor", convert::copysign},
      {"aten::hypot", convert::hypot},
      // Equal, Less, LessOrEqual, Greater, GreaterOrEqual, NotEqual (which ONNX lacks).
      {"aten::eq.Scalar", convert::compare, "Equal"},
      {"aten::eq.Tensor", convert::compare, "Equal"},
      {"aten::ge.Scalar", convert::compare, "GreaterOrEqual"},
      {"aten::ge.Tensor", convert::compare, "GreaterOrEqual"},
      {"aten::gt.Scalar", convert::compare, "Greater"},
      {"aten::gt.Tensor", convert::compare, "Greater"},
      {"aten::le.Scalar", convert::compare, "LessOrEqual"},
      {"aten::le.Tensor", convert::compare, "LessOrEqual"},
      {"aten::lt.Scalar", convert::compare, "Less"},
      {"aten::lt.Tensor", convert::compare, "Less"},
      {"aten::ne.Scalar", convert::compare, "NotEqual"},
      {"aten::ne.Tensor", convert::compare, "NotEqual"},
      // And, Or, Xor of operands that count as true where they aren't zero.
      {"aten::logical_and", convert::logical, "And"},
      {"aten::logical_or", convert::logical, "Or"},
      {"aten::logical_xor", convert::logical, "Xor"},
      // And, Or, Xor: bit by bit for integers.
      {"aten::bitwise_and.Scalar", convert::bitwise, "And"},
      {"aten::bitwise_and.Tensor", convert::bitwise, "And"},
      {"aten::bitwise_or.Scalar", convert::bitwise, "Or"},
      {"aten::bitwise_or.Tensor", convert::bitwise, "Or"},
      {"aten::bitwise_xor.Scalar", convert::bitwise, "Xor"},
      {"aten::bitwise_xor.Tensor", convert::bitwise, "Xor"},
      {"aten::bitwise_left_shift.Tensor", convert::shift, "LEFT"},
      {"aten::bitwise_right_shift.Tensor", convert::shift, "RIGHT"},
      {"aten::where.self", convert::where},
      {"aten::clamp", convert::clamp},
      {"aten::clamp.Tensor", convert::clamp},
      // _to_copy and the like: only the dtype changes.
      {"aten::_to_copy", convert::cast},
  };
  return table;
}

}  // namespace tracejet::onnx
