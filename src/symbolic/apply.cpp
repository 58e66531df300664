// What every operator means, on plain numbers.
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/error.h"
#include "symbolic/node.h"

namespace tracejet::symbolic {
namespace {

int64_t nonzero(int64_t divisor) {
  if (divisor == 0) throw InvalidInput("integer division by zero");
  return divisor;
}

int64_t power_of(int64_t base, int64_t exponent) {
  if (exponent < 0) throw InvalidInput("an integer power needs an exponent >= 0, got " + std::to_string(exponent));
  if (base == 0 || base == 1) return exponent == 0 ? 1 : base;
  if (base == -1) return exponent % 2 == 0 ? 1 : -1;
  int64_t result = 1;
  for (; exponent > 0; --exponent) result = checked_multiply(result, base);
  return result;
}

int64_t shift_count(int64_t count) {
  if (count < 0) throw InvalidInput("negative shift count");
  return count;
}

int64_t shifted_left(int64_t value, int64_t count) {
  if (value == 0) return 0;
  if (shift_count(count) > 62)
    throw Error("integer overflow in a symbolic expression: shift by " + std::to_string(count));
  return checked_multiply(value, int64_t{1} << count);
}

int64_t integral(double value) {
  constexpr double kLimit = 9223372036854775808.0;  // 2 ** 63
  if (!(value >= -kLimit && value < kLimit)) throw Error("cannot convert " + std::to_string(value) + " to an integer");
  return static_cast<int64_t>(value);
}

double python_mod(double a, double b) {
  if (b == 0) throw InvalidInput("float modulo by zero");
  const double remainder = std::fmod(a, b);
  if (remainder == 0) return std::copysign(0.0, b);
  return (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

double divided(double a, double b) {
  if (b == 0) throw InvalidInput("division by zero");
  return a / b;
}

/// round(value, digits) of Python: of the exact decimal value, where ties go to even.
double rounded(double value, int64_t digits) {
  constexpr int64_t kMaxDigits = 17;
  if (!std::isfinite(value) || digits > kMaxDigits) return value;
  if (digits < 0) {
    const double scale = std::pow(10.0, static_cast<double>(-digits));
    return std::nearbyint(value / scale) * scale;
  }
  char text[400];  // the largest double has 309 digits before the point
  std::snprintf(text, sizeof(text), "%.*f", static_cast<int>(digits), value);
  return std::strtod(text, nullptr);
}

bool related(const Node& node, const Value& a, const Value& b) {
  const bool floats = node.operands[0].is_float();
  switch (node.kind) {
    case Kind::kEqual:
      return floats ? a.real == b.real : a.integer == b.integer;
    case Kind::kNotEqual:
      return floats ? a.real != b.real : a.integer != b.integer;
    case Kind::kLess:
      return floats ? a.real < b.real : a.integer < b.integer;
    default:
      return floats ? a.real <= b.real : a.integer <= b.integer;
  }
}

Value of(int64_t integer) { return {integer, 0}; }
Value of(double real) { return {0, real}; }
Value of_bool(bool truth) { return {truth ? 1 : 0, 0}; }

}  // namespace

Value apply_operator(const Node& node, std::span<const Value> in) {
  switch (node.kind) {
    case Kind::kConstant:
      return {node.value, node.real};
    case Kind::kSymbol:
      throw Error("a symbol has no value of its own");
    case Kind::kSum: {
      int64_t total = 0;
      for (const Value& value : in) total = checked_add(total, value.integer);
      return of(total);
    }
    case Kind::kProduct: {
      int64_t product = node.value;
      for (const Value& value : in) product = checked_multiply(product, value.integer);
      return of(product);
    }
    case Kind::kFloorDiv:
      return of(floor_div(in[0].integer, nonzero(in[1].integer)));
    case Kind::kMod:
      return of(floor_mod(in[0].integer, nonzero(in[1].integer)));
    case Kind::kPower:
      return of(power_of(in[0].integer, in[1].integer));
    case Kind::kBitAnd:
      return of(in[0].integer & in[1].integer);
    case Kind::kBitOr:
      return of(in[0].integer | in[1].integer);
    case Kind::kBitXor:
      return of(in[0].integer ^ in[1].integer);
    case Kind::kShiftLeft:
      return of(shifted_left(in[0].integer, in[1].integer));
    case Kind::kShiftRight:
      return of(in[0].integer >> std::min<int64_t>(shift_count(in[1].integer), 63));
    case Kind::kFloor:
      return of(integral(std::floor(in[0].real)));
    case Kind::kCeil:
      return of(integral(std::ceil(in[0].real)));
    case Kind::kTruncate:
      return of(integral(std::trunc(in[0].real)));
    case Kind::kRound:
      return of(integral(std::nearbyint(in[0].real)));
    case Kind::kFromBool:
      return of(in[0].integer);
    case Kind::kMin:
    case Kind::kMax: {
      Value best = in[0];
      const bool greatest = node.kind == Kind::kMax;
      for (const Value& value : in) {
        best.integer = greatest ? std::max(best.integer, value.integer) : std::min(best.integer, value.integer);
        best.real = greatest ? std::max(best.real, value.real) : std::min(best.real, value.real);
      }
      return best;
    }
    case Kind::kSelect:
      return in[0].integer != 0 ? in[1] : in[2];
    case Kind::kToFloat:
      return of(static_cast<double>(in[0].integer));
    case Kind::kAdd:
      return of(in[0].real + in[1].real);
    case Kind::kSubtract:
      return of(in[0].real - in[1].real);
    case Kind::kMultiply:
      return of(in[0].real * in[1].real);
    case Kind::kTrueDiv:
      if (node.operands[0].is_float()) return of(divided(in[0].real, in[1].real));
      return of(static_cast<double>(in[0].integer) / static_cast<double>(nonzero(in[1].integer)));
    case Kind::kFloatPower:
      return of(std::pow(in[0].real, in[1].real));
    case Kind::kFloatMod:
      return of(python_mod(in[0].real, in[1].real));
    case Kind::kRoundDigits:
      return of(rounded(in[0].real, in[1].integer));
    case Kind::kSqrt:
      return of(std::sqrt(in[0].real));
    case Kind::kCos:
      return of(std::cos(in[0].real));
    case Kind::kCosh:
      return of(std::cosh(in[0].real));
    case Kind::kSin:
      return of(std::sin(in[0].real));
    case Kind::kSinh:
      return of(std::sinh(in[0].real));
    case Kind::kTan:
      return of(std::tan(in[0].real));
    case Kind::kTanh:
      return of(std::tanh(in[0].real));
    case Kind::kAsin:
      return of(std::asin(in[0].real));
    case Kind::kAcos:
      return of(std::acos(in[0].real));
    case Kind::kAtan:
      return of(std::atan(in[0].real));
    case Kind::kLog2:
      return of(std::log2(in[0].real));
    case Kind::kEqual:
    case Kind::kNotEqual:
    case Kind::kLess:
    case Kind::kLessEqual:
      return of_bool(related(node, in[0], in[1]));
    case Kind::kAnd: {
      bool all = true;
      for (const Value& value : in) all = all && value.integer != 0;
      return of_bool(all);
    }
    case Kind::kOr: {
      bool any = false;
      for (const Value& value : in) any = any || value.integer != 0;
      return of_bool(any);
    }
    case Kind::kNot:
      return of_bool(in[0].integer == 0);
  }
  throw Error("unknown kind of expression");
}

namespace {

Value evaluated(const Expression& expression, const Assignment& value_of) {
  if (expression.kind() == Kind::kSymbol) {
    const int64_t value = value_of(expression.symbol());
    return expression.is_float() ? of(std::bit_cast<double>(value)) : of(value);
  }
  if (expression.kind() == Kind::kSelect) {  // the other side may divide by zero
    const bool truth = evaluated(expression.operands()[0], value_of).integer != 0;
    return evaluated(expression.operands()[truth ? 1 : 2], value_of);
  }
  std::vector<Value> values;
  values.reserve(expression.operands().size());
  for (const Expression& operand : expression.operands()) {
    values.push_back(evaluated(operand, value_of));
    // `and` and `or` stop early, as Python's do.
    if (expression.kind() == Kind::kAnd && values.back().integer == 0) return of_bool(false);
    if (expression.kind() == Kind::kOr && values.back().integer != 0) return of_bool(true);
  }
  return apply_operator(expression.node(), values);
}

}  // namespace

int64_t evaluate(const Expression& expression, const Assignment& value_of) {
  return evaluated(expression, value_of).integer;
}
double evaluate_float(const Expression& expression, const Assignment& value_of) {
  return evaluated(expression, value_of).real;
}
bool holds(const Condition& condition, const Assignment& value_of) {
  return evaluated(condition, value_of).integer != 0;
}

}  // namespace tracejet::symbolic
