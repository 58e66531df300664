// The table of operators: what each means on plain numbers, how it is written, what it is called elsewhere.
#include "symbolic/operators.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/error.h"

namespace tracejet::symbolic {
namespace {

using In = std::span<const Value>;

Value of(int64_t integer) { return {integer, 0}; }
Value of(double real) { return {0, real}; }
Value of_bool(bool truth) { return {truth ? 1 : 0, 0}; }

int64_t nonzero(int64_t divisor) {
  if (divisor == 0) throw InvalidInput("integer division by zero", ErrorCode::kDivisionByZero);
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
    throw Error("integer overflow in a symbolic expression: shift by " + std::to_string(count),
                ErrorCode::kSizeArithmetic);
  return checked_multiply(value, int64_t{1} << count);
}

int64_t integral(double value) {
  constexpr double kLimit = 9223372036854775808.0;  // 2 ** 63
  if (!(value >= -kLimit && value < kLimit))
    throw Error("cannot convert " + std::to_string(value) + " to an integer", ErrorCode::kSizeArithmetic);
  return static_cast<int64_t>(value);
}

double python_mod(double a, double b) {
  if (b == 0) throw InvalidInput("float modulo by zero", ErrorCode::kDivisionByZero);
  const double remainder = std::fmod(a, b);
  if (remainder == 0) return std::copysign(0.0, b);
  return (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

double divided(double a, double b) {
  if (b == 0) throw InvalidInput("division by zero", ErrorCode::kDivisionByZero);
  return a / b;
}

/// What Python raises for: a result that is NaN or infinite where no operand is.
[[noreturn]] void refuse_undefined(const std::string& of, double result) {
  throw Error(of + (std::isnan(result) ? " is no real number" : " is too large for a float"),
              ErrorCode::kSizeArithmetic);
}

/// Python's `**` and math.pow, which gives no complex numbers.
double float_power(double base, double exponent) {
  if (base == 0 && exponent < 0)
    throw InvalidInput("0.0 has no negative power (" + std::to_string(exponent) + ")", ErrorCode::kDivisionByZero);
  const double result = std::pow(base, exponent);
  const bool is_undefined = std::isnan(result) && !std::isnan(base) && !std::isnan(exponent);
  const bool is_too_large = std::isinf(result) && std::isfinite(base) && std::isfinite(exponent);
  if (is_undefined || is_too_large) refuse_undefined(std::to_string(base) + " ** " + std::to_string(exponent), result);
  return result;
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

Value constant(const Node& node, In) { return {node.value, node.real}; }

Value sum(const Node&, In in) {
  int64_t total = 0;
  for (const Value& value : in) total = checked_add(total, value.integer);
  return of(total);
}

Value product(const Node& node, In in) {
  int64_t product = node.value;
  for (const Value& value : in) product = checked_multiply(product, value.integer);
  return of(product);
}

/// Of two integers.
template <int64_t (*F)(int64_t, int64_t)>
Value of_integers(const Node&, In in) {
  return of(F(in[0].integer, in[1].integer));
}

/// Of two floats.
template <double (*F)(double, double)>
Value of_floats(const Node&, In in) {
  return of(F(in[0].real, in[1].real));
}

/// Of a float. Python's math module raises for what isn't defined there.
template <double (*F)(double)>
Value function(const Node& node, In in) {
  const double x = in[0].real;
  const double result = F(x);
  if ((std::isnan(result) && !std::isnan(x)) || (std::isinf(result) && std::isfinite(x)))
    refuse_undefined(std::string(info_of(node.kind).notation.text) + "(" + std::to_string(x) + ")", result);
  return of(result);
}

/// Of a float, to an integer.
template <double (*F)(double)>
Value integer(const Node&, In in) {
  return of(integral(F(in[0].real)));
}

int64_t quotient(int64_t a, int64_t b) { return floor_div(a, nonzero(b)); }
int64_t remainder(int64_t a, int64_t b) { return floor_mod(a, nonzero(b)); }
int64_t bits_and(int64_t a, int64_t b) { return a & b; }
int64_t bits_or(int64_t a, int64_t b) { return a | b; }
int64_t bits_xor(int64_t a, int64_t b) { return a ^ b; }
int64_t shifted_right(int64_t a, int64_t b) { return a >> std::min<int64_t>(shift_count(b), 63); }
double added(double a, double b) { return a + b; }
double subtracted(double a, double b) { return a - b; }
double multiplied(double a, double b) { return a * b; }

Value same(const Node&, In in) { return of(in[0].integer); }

template <bool kGreatest>
Value extremum(const Node&, In in) {
  Value best = in[0];
  for (const Value& value : in) {
    best.integer = kGreatest ? std::max(best.integer, value.integer) : std::min(best.integer, value.integer);
    best.real = kGreatest ? std::max(best.real, value.real) : std::min(best.real, value.real);
  }
  return best;
}

Value selected(const Node&, In in) { return in[0].integer != 0 ? in[1] : in[2]; }
Value to_real(const Node&, In in) { return of(static_cast<double>(in[0].integer)); }

Value true_quotient(const Node& node, In in) {
  if (node.operands[0].is_float()) return of(divided(in[0].real, in[1].real));
  return of(static_cast<double>(in[0].integer) / static_cast<double>(nonzero(in[1].integer)));
}

Value round_to_digits(const Node&, In in) { return of(rounded(in[0].real, in[1].integer)); }

template <typename Relation>
Value related(const Node& node, In in) {
  constexpr Relation kHolds;
  const bool floats = node.operands[0].is_float();
  return of_bool(floats ? kHolds(in[0].real, in[1].real) : kHolds(in[0].integer, in[1].integer));
}

Value all(const Node&, In in) {
  bool all = true;
  for (const Value& value : in) all = all && value.integer != 0;
  return of_bool(all);
}

Value any(const Node&, In in) {
  bool any = false;
  for (const Value& value : in) any = any || value.integer != 0;
  return of_bool(any);
}

Value inverted(const Node&, In in) { return of_bool(in[0].integer == 0); }

using enum Precedence;
using Form = Notation::Form;

constexpr int kVariadic = OperatorInfo::kVariadic;
constexpr Notation kOwn{};

constexpr Notation call(std::string_view name) { return {Form::kCall, name, kWhole}; }
constexpr Notation infix(std::string_view text, Precedence precedence) { return {Form::kInfix, text, precedence}; }
constexpr Notation between(std::string_view text, Precedence precedence) { return {Form::kBetween, text, precedence}; }

constexpr Notation kPowerSign{Form::kRightInfix, "**", kPowers};

// What sympy has under `functions` is PyTorch's: torch.utils._sympy.functions. Python itself writes what has no name
// here.
constexpr OperatorInfo kOperators[] = {
    {Kind::kConstant, "CONSTANT", 0, kOwn, constant},
    {Kind::kSymbol, "SYMBOL", 0, kOwn, nullptr},

    {Kind::kSum, "SUM", kVariadic, kOwn, sum, "operator.add", "sympy.Add"},
    {Kind::kProduct, "PRODUCT", kVariadic, kOwn, product, "operator.mul"},
    {Kind::kFloorDiv, "FLOOR_DIV", 2, infix("//", kProducts), of_integers<quotient>, "operator.floordiv",
     "functions.FloorDiv"},
    {Kind::kMod, "MOD", 2, infix(" % ", kProducts), of_integers<remainder>, "operator.mod"},
    {Kind::kPower, "POWER", 2, kPowerSign, of_integers<power_of>, "operator.pow", "functions.PowByNatural"},
    {Kind::kBitAnd, "BIT_AND", 2, infix(" & ", kBits), of_integers<bits_and>, "operator.and_",
     "functions.BitwiseFn_bitwise_and"},
    {Kind::kBitOr, "BIT_OR", 2, infix(" | ", kBits), of_integers<bits_or>, "operator.or_",
     "functions.BitwiseFn_bitwise_or"},
    {Kind::kBitXor, "BIT_XOR", 2, infix(" ^ ", kBits), of_integers<bits_xor>, "operator.xor",
     "functions.BitwiseFn_bitwise_xor"},
    {Kind::kShiftLeft, "SHIFT_LEFT", 2, infix(" << ", kBits), of_integers<shifted_left>, "operator.lshift",
     "functions.LShift"},
    {Kind::kShiftRight, "SHIFT_RIGHT", 2, infix(" >> ", kBits), of_integers<shifted_right>, "operator.rshift",
     "functions.RShift"},
    {Kind::kFloor, "FLOOR", 1, call("floor"), integer<std::floor>, "", "functions.FloorToInt"},
    {Kind::kCeil, "CEIL", 1, call("ceil"), integer<std::ceil>, "", "functions.CeilToInt"},
    {Kind::kTruncate, "TRUNCATE", 1, call("trunc"), integer<std::trunc>, "math.trunc"},
    {Kind::kRound, "ROUND", 1, call("round"), integer<std::nearbyint>, "builtins.round", "functions.RoundToInt"},
    {Kind::kFromBool, "FROM_BOOL", 1, call("int"), same},

    {Kind::kMin, "MIN", kVariadic, call("min"), extremum<false>, "torch.sym_min", "functions.Min"},
    {Kind::kMax, "MAX", kVariadic, call("max"), extremum<true>, "torch.sym_max", "functions.Max"},
    {Kind::kSelect, "SELECT", 3, kOwn, selected, "torch.sym_ite"},

    {Kind::kToFloat, "TO_FLOAT", 1, call("float"), to_real, "torch.sym_float", "functions.ToFloat"},
    {Kind::kAdd, "ADD", 2, infix(" + ", kSums), of_floats<added>, "operator.add", "operator.add"},
    {Kind::kSubtract, "SUBTRACT", 2, infix(" - ", kSums), of_floats<subtracted>, "operator.sub", "operator.sub"},
    {Kind::kMultiply, "MULTIPLY", 2, infix("*", kProducts), of_floats<multiplied>, "operator.mul", "operator.mul"},
    {Kind::kTrueDiv, "TRUE_DIV", 2, infix("/", kProducts), true_quotient, "operator.truediv"},
    {Kind::kFloatPower, "FLOAT_POWER", 2, kPowerSign, of_floats<float_power>, "operator.pow", "functions.FloatPow"},
    {Kind::kFloatMod, "FLOAT_MOD", 2, infix(" % ", kProducts), of_floats<python_mod>, "operator.mod"},
    {Kind::kRoundDigits, "ROUND_DIGITS", 2, call("round"), round_to_digits, "builtins.round", "functions.RoundDecimal"},
    {Kind::kSqrt, "SQRT", 1, call("sqrt"), function<std::sqrt>, "torch.sym_sqrt", "functions.OpaqueUnaryFn_sqrt",
     "sym_sqrt"},
    {Kind::kCos, "COS", 1, call("cos"), function<std::cos>, "torch._sym_cos", "functions.OpaqueUnaryFn_cos", "sym_cos"},
    {Kind::kCosh, "COSH", 1, call("cosh"), function<std::cosh>, "torch._sym_cosh", "functions.OpaqueUnaryFn_cosh",
     "sym_cosh"},
    {Kind::kSin, "SIN", 1, call("sin"), function<std::sin>, "torch._sym_sin", "functions.OpaqueUnaryFn_sin", "sym_sin"},
    {Kind::kSinh, "SINH", 1, call("sinh"), function<std::sinh>, "torch._sym_sinh", "functions.OpaqueUnaryFn_sinh",
     "sym_sinh"},
    {Kind::kTan, "TAN", 1, call("tan"), function<std::tan>, "torch._sym_tan", "functions.OpaqueUnaryFn_tan", "sym_tan"},
    {Kind::kTanh, "TANH", 1, call("tanh"), function<std::tanh>, "torch._sym_tanh", "functions.OpaqueUnaryFn_tanh",
     "sym_tanh"},
    {Kind::kAsin, "ASIN", 1, call("asin"), function<std::asin>, "torch._sym_asin", "functions.OpaqueUnaryFn_asin",
     "sym_asin"},
    {Kind::kAcos, "ACOS", 1, call("acos"), function<std::acos>, "torch._sym_acos", "functions.OpaqueUnaryFn_acos",
     "sym_acos"},
    {Kind::kAtan, "ATAN", 1, call("atan"), function<std::atan>, "torch._sym_atan", "functions.OpaqueUnaryFn_atan",
     "sym_atan"},
    {Kind::kLog2, "LOG2", 1, call("log2"), function<std::log2>, "torch._sym_log2", "functions.OpaqueUnaryFn_log2",
     "sym_log2"},

    {Kind::kEqual, "EQUAL", 2, between(" == ", kComparisons), related<std::equal_to<>>, "operator.eq", "sympy.Eq"},
    {Kind::kNotEqual, "NOT_EQUAL", 2, between(" != ", kComparisons), related<std::not_equal_to<>>, "operator.ne",
     "sympy.Ne"},
    {Kind::kLess, "LESS", 2, between(" < ", kComparisons), related<std::less<>>, "operator.lt", "sympy.Lt"},
    {Kind::kLessEqual, "LESS_EQUAL", 2, kOwn, related<std::less_equal<>>, "operator.le", "sympy.Le"},
    {Kind::kAnd, "AND", kVariadic, between(" and ", kAnds), all, "operator.and_", "sympy.And"},
    {Kind::kOr, "OR", kVariadic, between(" or ", kOrs), any, "operator.or_", "sympy.Or"},
    {Kind::kNot, "NOT", 1, kOwn, inverted, "torch.sym_not", "sympy.Not"},
};

constexpr bool is_in_order() {
  for (size_t i = 0; i < std::size(kOperators); ++i) {
    if (static_cast<size_t>(kOperators[i].kind) != i) return false;
  }
  return std::size(kOperators) == static_cast<size_t>(Kind::kNot) + 1;
}
static_assert(is_in_order());

}  // namespace

const OperatorInfo& info_of(Kind kind) { return kOperators[static_cast<size_t>(kind)]; }

std::span<const OperatorInfo> operators() { return kOperators; }

Value apply_operator(const Node& node, std::span<const Value> operands) {
  const auto evaluate = info_of(node.kind).evaluate;
  if (evaluate == nullptr) throw Error("a symbol has no value of its own", ErrorCode::kInternalError);
  return evaluate(node, operands);
}

}  // namespace tracejet::symbolic
