// Functions of one number.
// ONNX: Acos-7, Acosh-9, Asin-7, Asinh-9, Atan-7, Atanh-9, Cos-7, Cosh-9, Sin-7, Sinh-9, Tan-7, Tanh-13, Erf-13,
// Exp-13, Log-13, Pow-15, Sqrt-13, Ceil-13, Floor-13, Round-11, Sign-13, Abs-13, Relu-14, Sigmoid-13, Cast-19.
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"
#include "lowering/onnx/pointwise.h"

namespace tracejet::onnx::convert {

namespace {

/// Toward zero; ONNX has no operator for it.
Operand truncated(Lowering& to, const Operand& x) {
  return to.emit_as(x.dtype, "Where", {less_than_zero(to, x), to.emit("Ceil", {x}), to.emit("Floor", {x})});
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

void abs(Lowering& to, const Call& call, std::string_view) { to.result(to.emit("Abs", {self(to, call)})); }

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
  const Operand is_near = to.emit_as(at::kBool, "Less", {to.emit("Abs", {x}), to.number(1, x.dtype)});
  to.result(to.emit_as(x.dtype, "Where", {is_near, near, far}));
}

void exp2(Lowering& to, const Call& call, std::string_view) {
  const Operand x = self(to, call);
  to.result(to.emit("Pow", {to.number(2, x.dtype), x}));
}

/// erfc(x) for x > 0, with a relative error of 1.2e-7: a Chebyshev fit by W. H. Press et al., Numerical Recipes.
Operand erfc_tail(Lowering& to, const Operand& x) {
  static constexpr double kCoefficients[] = {0.17087277,  -0.82215223, 1.48851587, -1.13520398, 0.27886807,
                                             -0.18628806, 0.09678418,  0.37409196, 1.00002368,  -1.26551223};
  const auto number = [&](double value) { return to.number(value, x.dtype); };
  const Operand grown = to.emit("Add", {to.emit("Mul", {x, number(0.5)}), number(1)});
  const Operand t = to.emit("Div", {number(1), grown});
  Operand polynomial = number(kCoefficients[0]);
  for (const double coefficient : std::span(kCoefficients).subspan(1))
    polynomial = to.emit("Add", {to.emit("Mul", {polynomial, t}), number(coefficient)});
  return to.emit("Mul", {t, exponential(to, to.emit("Sub", {polynomial, to.emit("Mul", {x, x})}))});
}

void erfc(Lowering& to, const Call& call, std::string_view) {
  const Operand x = self(to, call);
  const Operand near = to.emit("Sub", {to.number(1, x.dtype), to.emit("Erf", {x})});
  // Further on, the difference would be all rounding, and then 0.
  const Operand limit = to.number(x.dtype == at::kDouble ? 3 : 1, x.dtype);
  const Operand is_near = to.emit_as(at::kBool, "Less", {x, limit});
  // Half precision would round the squares: the tail is computed in float32.
  const Operand tail = erfc_tail(to, at::isReducedFloatingType(x.dtype) ? to.cast(x, at::kFloat) : x);
  to.result(choose(to, is_near, near, to.cast(tail, x.dtype)));
}

void trunc(Lowering& to, const Call& call, std::string_view) {
  const Operand x = self(to, call);
  to.result(is_float(x.dtype) ? truncated(to, x) : x);
}

void sign_bit(Lowering& to, const Call& call, std::string_view) {
  const Operand x = to.operand(call, "self");
  to.result(has_sign(to, to.cast(x, as_number(x.dtype))));
}

/// Whether a float of 16 bits only exists to round what is computed on in more bits.
bool only_rounds(const Lowering& to, const Call& call) {
  const auto is_wide = [](at::ScalarType dtype) {
    return at::isFloatingType(dtype) && !at::isReducedFloatingType(dtype);
  };
  if (!at::isReducedFloatingType(to.output().dtype) || !is_wide(call.tensor("self").dtype)) return false;
  return std::ranges::any_of(to.users(), [&](const Node* user) {
    return Call(*user).name() == "aten::_to_copy" && is_wide(user->outputs()[0]->tensor().dtype);
  });
}

void cast(Lowering& to, const Call& call, std::string_view) {
  if (!to.target().float16 && only_rounds(to, call)) {
    to.warn("rounds to 16 bits what is cast back afterwards, and " + to.target().name + " leaves the rounding out");
  }
  // To a narrow integer, result() wraps around what needs it.
  const auto dtype = to.output().dtype;
  to.result(is_narrow(dtype) ? to.operand(call, "self") : to.operand(call, "self", dtype));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> unary_conversions() {
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
      // _to_copy and the like: only the dtype changes.
      {"aten::_to_copy", convert::cast},
  };
  return table;
}

}  // namespace tracejet::onnx
