// Comparisons, truth and bits, and choices between numbers.
// ONNX: Equal-19, Less-13, LessOrEqual-16, Greater-13, GreaterOrEqual-16, And-7, Or-7, Xor-7, Not-1, BitwiseAnd-18,
// BitwiseOr-18, BitwiseXor-18, BitwiseNot-18, IsInf-20, IsNaN-20, Max-13, Min-13, Clip-13, Where-16.
#include <limits>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"
#include "lowering/onnx/pointwise.h"

namespace tracejet::onnx::convert {

namespace {

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
    const Operand infinity = to.number(std::numeric_limits<double>::infinity(), x.dtype);
    const Operand least = min.name.empty() ? to.number(-std::numeric_limits<double>::infinity(), x.dtype) : min;
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

void extremum(Lowering& to, const Call& call, std::string_view target) {
  const auto dtype = to.output().dtype;
  to.result(extremum_of(to, target, computed(to, call, "self", dtype), computed(to, call, "other", dtype)));
}

void number_extremum(Lowering& to, const Call& call, std::string_view target) {
  const auto dtype = computed_in(to, call, to.output().dtype);
  const Operand a = computed(to, call, "self", to.output().dtype);
  const Operand b = other(to, call);
  if (!is_float(dtype)) return to.result(to.emit(target, {a, b}));
  const auto or_else = [&](const Operand& x, const Operand& instead) { return choose(to, is_nan(to, x), instead, x); };
  to.result(to.emit(target, {or_else(a, b), or_else(b, a)}));
}

void logical_not(Lowering& to, const Call& call, std::string_view) {
  to.result(negated(to, is_nonzero(to, to.operand(call, "self"))));
}

void bitwise_not(Lowering& to, const Call& call, std::string_view) {
  const Operand x = to.operand(call, "self");
  to.result(x.dtype == at::kBool ? negated(to, x) : to.emit("BitwiseNot", {x}));
}

/// False for every integer.
void float_test(Lowering& to, const Call& call, std::string_view target) {
  Operand x = to.operand(call, "self");
  if (!is_float(x.dtype)) x = to.cast(x, at::kFloat);
  to.result(target == "IsInf" ? is_infinite(to, x) : to.emit_as(at::kBool, target, {x}));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> comparison_conversions() {
  static constexpr Conversion table[] = {
      {"aten::isinf", convert::float_test, "IsInf"},
      {"aten::isnan", convert::float_test, "IsNaN"},
      {"aten::logical_not", convert::logical_not},
      {"aten::bitwise_not", convert::bitwise_not},
      {"aten::maximum", convert::extremum, "Max"},
      {"aten::minimum", convert::extremum, "Min"},
      // fmax, fmin: NaN counts as missing.
      {"aten::fmax", convert::number_extremum, "Max"},
      {"aten::fmin", convert::number_extremum, "Min"},
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
      {"aten::where.self", convert::where},
      {"aten::clamp", convert::clamp},
      {"aten::clamp.Tensor", convert::clamp},
  };
  return table;
}

}  // namespace tracejet::onnx
