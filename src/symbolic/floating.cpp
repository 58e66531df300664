// Floats: kept in the order they were written in, because their arithmetic isn't associative. What counts is to see
// integers behind them: int(s / 2), floor(s * 2.0) and ceil(s / stride) are sizes.
#include <cmath>

#include "base/error.h"
#include "symbolic/node.h"

namespace tracejet::symbolic {
namespace {

Expression folded(Expression expression) {
  for (const Expression& operand : expression.operands()) {
    if (!operand.is_constant()) return expression;
  }
  return expression.is_float() ? Expression::real(expression.real_hint()) : Expression(expression.hint());
}

/// A float as the quotient of two integers.
struct Ratio {
  Expression numerator;
  Expression denominator;
  bool exact;  ///< No rounding took place: the denominator is a power of two.
};

/// Sizes are below 2 ** 43, so products with this many bits more are exact doubles.
constexpr double kExactFactor = 1024;

std::optional<Ratio> dyadic(double value) {
  int64_t denominator = 1;
  for (; denominator <= static_cast<int64_t>(kExactFactor); denominator *= 2) {
    const double scaled = value * static_cast<double>(denominator);
    if (std::fabs(scaled) > kExactFactor) return std::nullopt;
    if (scaled == std::floor(scaled)) return Ratio{static_cast<int64_t>(scaled), denominator, true};
  }
  return std::nullopt;
}

bool is_power_of_two(const Expression& a) {
  return a.is_constant() && a.constant() > 0 && (a.constant() & (a.constant() - 1)) == 0;
}

std::optional<Ratio> ratio_of(const Expression& a) {
  switch (a.kind()) {
    case Kind::kConstant:
      return dyadic(a.real());
    case Kind::kToFloat:
      return Ratio{a.operands()[0], 1, true};
    case Kind::kTrueDiv:
      if (a.operands()[0].is_int()) {
        return Ratio{a.operands()[0], a.operands()[1], is_power_of_two(a.operands()[1])};
      }
      return std::nullopt;
    case Kind::kMultiply: {
      const auto x = ratio_of(a.operands()[0]);
      const auto y = ratio_of(a.operands()[1]);
      if (!x || !y || !x->exact || !y->exact) return std::nullopt;
      return Ratio{x->numerator * y->numerator, x->denominator * y->denominator, true};
    }
    case Kind::kAdd:
    case Kind::kSubtract: {
      const auto x = ratio_of(a.operands()[0]);
      const auto y = ratio_of(a.operands()[1]);
      if (!x || !y || !x->exact || !y->exact) return std::nullopt;
      const Expression left = x->numerator * y->denominator;
      const Expression right = y->numerator * x->denominator;
      return Ratio{a.kind() == Kind::kAdd ? left + right : left - right, x->denominator * y->denominator, true};
    }
    default:
      return std::nullopt;
  }
}

std::optional<Expression> exact_to_int(Kind kind, const Expression& a) {
  const auto ratio = ratio_of(a);
  if (!ratio) return std::nullopt;
  switch (kind) {
    case Kind::kFloor:
      return floor_div(ratio->numerator, ratio->denominator);
    case Kind::kCeil:
      return ceil_div(ratio->numerator, ratio->denominator);
    case Kind::kTruncate:
      if (ratio->numerator.range().min >= 0 && ratio->denominator.range().min > 0) {
        return floor_div(ratio->numerator, ratio->denominator);
      }
      return std::nullopt;
    default:
      if (ratio->denominator.is_constant(1)) return ratio->numerator;
      return std::nullopt;
  }
}

}  // namespace

Expression to_float(const Expression& a) {
  if (a.is_float()) return a;
  if (a.is_bool()) return to_float(from_bool(a));
  return a.is_constant() ? Expression::real(static_cast<double>(a.constant()))
                         : make(Kind::kToFloat, Type::kFloat, {a});
}

Expression true_div(const Expression& a, const Expression& b) {
  if (a.type() != b.type() || a.is_bool()) {
    throw InvalidInput("true division needs two integers or two floats, got " + a.str() + " and " + b.str());
  }
  if (a.is_float()) {
    if (b.is_constant() && b.real() == 0)
      throw InvalidInput("division by zero: " + a.str() + " / 0.0", ErrorCode::kDivisionByZero);
    // float(s) / 2.0 is s / 2: the same number, and int() of it is seen to be s // 2.
    const auto divisor = b.is_constant() ? ratio_of(b) : std::nullopt;
    if (a.kind() == Kind::kToFloat && b.kind() == Kind::kToFloat) return true_div(a.operands()[0], b.operands()[0]);
    if (a.kind() == Kind::kToFloat && divisor && divisor->denominator.is_constant(1)) {
      return true_div(a.operands()[0], divisor->numerator);
    }
    return folded(make(Kind::kTrueDiv, Type::kFloat, {a, b}));
  }
  if (b.is_constant(0)) throw InvalidInput("division by zero: " + a.str() + " / 0", ErrorCode::kDivisionByZero);
  if (b.is_constant(1)) return to_float(a);
  return folded(make(Kind::kTrueDiv, Type::kFloat, {a, b}));
}

Expression float_binary(Kind kind, const Expression& a, const Expression& b) {
  if (!a.is_float() || !b.is_float()) throw InvalidInput("expected two floats, got " + a.str() + " and " + b.str());
  return folded(make(kind, Type::kFloat, {a, b}));
}

Expression float_function(Kind kind, const Expression& a) { return folded(make(kind, Type::kFloat, {a})); }

Expression float_negate(const Expression& a) {
  if (a.is_constant()) return Expression::real(-a.real());
  return make(Kind::kMultiply, Type::kFloat, {a, Expression::real(-1)});
}

Expression round_digits(const Expression& a, int64_t digits) {
  return folded(make(Kind::kRoundDigits, Type::kFloat, {a, digits}));
}

Expression to_int(Kind kind, const Expression& a) {
  if (a.is_int()) return a;
  if (auto exact = exact_to_int(kind, a)) return *exact;
  return folded(make(kind, Type::kInt, {a}));
}

Condition is_integer(const Expression& a) {
  if (const auto ratio = ratio_of(a)) return equal(mod(ratio->numerator, ratio->denominator), 0);
  return equal(a, to_float(to_int(Kind::kFloor, a)));
}

}  // namespace tracejet::symbolic
