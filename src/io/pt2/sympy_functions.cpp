#include "io/pt2/sympy_functions.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>

#include "base/error.h"

namespace tracejet::pt2 {

namespace {

using symbolic::Expression;
using symbolic::Kind;

using Operands = std::vector<Expression>;
using Function = Expression (*)(const Operands&);

template <Expression (*F)(const Expression&)>
Expression unary(const Operands& in) {
  return F(in[0]);
}
template <Expression (*F)(const Expression&, const Expression&)>
Expression binary(const Operands& in) {
  return F(in[0], in[1]);
}
/// Of integers alone.
template <Expression (*F)(const Expression&, const Expression&)>
Expression integral(const Operands& in) {
  if (!in[0].is_int() || !in[1].is_int())
    throw Error("an operator of integers has operands that are none", ErrorCode::kUnreadableFile);
  return F(in[0], in[1]);
}
template <Expression (*F)(const Expression&, const Expression&)>
Expression folded(const Operands& in) {
  Expression result = in[0];
  for (size_t i = 1; i < in.size(); ++i) result = F(result, in[i]);
  return result;
}
Expression number(const Expression& a) { return a.is_bool() ? symbolic::from_bool(a) : a; }

template <Kind kKind>
Expression rounded(const Operands& in) {
  return in[0].is_float() ? symbolic::to_int(kKind, in[0]) : number(in[0]);
}
template <Kind kKind>
Expression function(const Operands& in) {
  return symbolic::float_function(kKind, symbolic::to_float(in[0]));
}

/// Of two integers, or of two floats where one is a float.
template <Expression (*OfIntegers)(const Expression&, const Expression&), Kind kOfFloats>
Expression arithmetic(const Expression& a, const Expression& b) {
  if (!a.is_float() && !b.is_float()) return OfIntegers(number(a), number(b));
  return symbolic::float_binary(kOfFloats, symbolic::to_float(a), symbolic::to_float(b));
}

Expression integer_sum(const Expression& a, const Expression& b) { return a + b; }

/// A normal form is multiplied out: some short texts stand for more terms than there is memory for.
constexpr double kMaxTerms = 1 << 14;

double count_of_terms(const Expression& a) {
  return a.kind() == Kind::kSum ? static_cast<double>(a.operands().size()) : 1;
}
void check_terms(double terms) {
  if (terms > kMaxTerms)
    throw Error("an expression has too many terms when it is multiplied out", ErrorCode::kUnreadableFile);
}
Expression integer_product(const Expression& a, const Expression& b) {
  check_terms(count_of_terms(a) * count_of_terms(b));
  return a * b;
}
Expression integer_power(const Expression& a, const Expression& b) {
  if (b.is_constant()) check_terms(std::pow(count_of_terms(a), static_cast<double>(b.constant())));
  return symbolic::power(a, b);
}

template <Expression (*F)(const Expression&, const Expression&)>
Expression of_one_type(const Expression& a, const Expression& b) {
  if (a.is_float() == b.is_float()) return F(a, b);
  return F(symbolic::to_float(a), symbolic::to_float(b));
}

Expression greater(const Expression& a, const Expression& b) { return of_one_type<symbolic::less>(b, a); }
Expression greater_equal(const Expression& a, const Expression& b) { return of_one_type<symbolic::less_equal>(b, a); }
Expression truth_of(const Expression& a) { return a.is_bool() ? a : symbolic::not_equal(a, Expression(0)); }
Expression both(const Expression& a, const Expression& b) { return symbolic::logical_and(truth_of(a), truth_of(b)); }
Expression either(const Expression& a, const Expression& b) { return symbolic::logical_or(truth_of(a), truth_of(b)); }
Expression inverse(const Expression& a) { return symbolic::logical_not(truth_of(a)); }
Expression same(const Expression& a) { return a; }

Expression choice(const Operands& in) {
  const Expression condition = truth_of(in[0]);
  if (in[1].type() == in[2].type()) return symbolic::select(condition, in[1], in[2]);
  return symbolic::select(condition, symbolic::to_float(in[1]), symbolic::to_float(in[2]));
}
Expression modular_index(const Operands& in) {
  return integral<symbolic::mod>({integral<symbolic::floor_div>({in[0], in[1]}), in[2]});
}
Expression rounded_to_digits(const Operands& in) {
  if (!in[1].is_int() || !in[1].is_constant())
    throw Error("RoundDecimal needs a constant number of digits", ErrorCode::kUnreadableFile);
  return symbolic::round_digits(symbolic::to_float(in[0]), in[1].constant());
}
Expression real_power(const Expression& a, const Expression& b) {
  return symbolic::float_binary(Kind::kFloatPower, symbolic::to_float(a), symbolic::to_float(b));
}
Expression real_quotient(const Expression& a, const Expression& b) {
  return symbolic::true_div(symbolic::to_float(a), symbolic::to_float(b));
}

/// What the writer spells as `trunc(a) + (trunc(a) < a)` and `trunc(a) - (a < trunc(a))`: torch.export can't write ceil
/// and floor. Nothing where it is another sum.
std::optional<Expression> rounding(bool is_sum, const Operands& in) {
  if (in.size() != 2 || in[0].kind() != Kind::kTruncate || in[1].kind() != Kind::kFromBool) return std::nullopt;
  const Expression& real = in[0].operands()[0];
  const Expression truncated = symbolic::to_float(in[0]), &step = in[1].operands()[0];
  if (is_sum && step == symbolic::less(truncated, real)) return symbolic::to_int(Kind::kCeil, real);
  if (!is_sum && step == symbolic::less(real, truncated)) return symbolic::to_int(Kind::kFloor, real);
  return std::nullopt;
}

constexpr size_t kAny = static_cast<size_t>(-1);

struct Entry {
  size_t arity;
  Function make;
};

const std::unordered_map<std::string_view, Entry>& functions() {
  static const std::unordered_map<std::string_view, Entry> kFunctions = {
      {"Add", {kAny, folded<arithmetic<integer_sum, Kind::kAdd>>}},
      {"Mul", {kAny, folded<arithmetic<integer_product, Kind::kMultiply>>}},
      {"Pow", {2, binary<arithmetic<integer_power, Kind::kFloatPower>>}},
      {"PowByNatural", {2, integral<integer_power>}},
      {"FloatPow", {2, binary<real_power>}},
      {"FloorDiv", {2, integral<symbolic::floor_div>}},
      {"CleanDiv", {2, integral<symbolic::floor_div>}},
      {"CeilDiv", {2, integral<symbolic::ceil_div>}},
      {"Mod", {2, integral<symbolic::mod>}},
      {"PythonMod", {2, integral<symbolic::mod>}},
      {"ModularIndexing", {3, modular_index}},
      {"IntTrueDiv", {2, integral<symbolic::true_div>}},
      {"FloatTrueDiv", {2, binary<real_quotient>}},
      {"LShift", {2, integral<symbolic::shift_left>}},
      {"RShift", {2, integral<symbolic::shift_right>}},
      {"BitwiseFn_bitwise_and", {2, integral<symbolic::bit_and>}},
      {"BitwiseFn_bitwise_or", {2, integral<symbolic::bit_or>}},
      {"BitwiseFn_bitwise_xor", {2, integral<symbolic::bit_xor>}},
      {"Min", {kAny, folded<of_one_type<symbolic::min>>}},
      {"Max", {kAny, folded<of_one_type<symbolic::max>>}},
      {"Abs", {1, unary<symbolic::abs>}},
      {"ToFloat", {1, unary<symbolic::to_float>}},
      {"TruncToInt", {1, rounded<Kind::kTruncate>}},
      {"FloorToInt", {1, rounded<Kind::kFloor>}},
      {"CeilToInt", {1, rounded<Kind::kCeil>}},
      {"RoundToInt", {1, rounded<Kind::kRound>}},
      {"RoundDecimal", {2, rounded_to_digits}},
      {"Identity", {1, unary<same>}},
      {"OpaqueUnaryFn_sqrt", {1, function<Kind::kSqrt>}},
      {"OpaqueUnaryFn_cos", {1, function<Kind::kCos>}},
      {"OpaqueUnaryFn_cosh", {1, function<Kind::kCosh>}},
      {"OpaqueUnaryFn_sin", {1, function<Kind::kSin>}},
      {"OpaqueUnaryFn_sinh", {1, function<Kind::kSinh>}},
      {"OpaqueUnaryFn_tan", {1, function<Kind::kTan>}},
      {"OpaqueUnaryFn_tanh", {1, function<Kind::kTanh>}},
      {"OpaqueUnaryFn_asin", {1, function<Kind::kAsin>}},
      {"OpaqueUnaryFn_acos", {1, function<Kind::kAcos>}},
      {"OpaqueUnaryFn_atan", {1, function<Kind::kAtan>}},
      {"OpaqueUnaryFn_log2", {1, function<Kind::kLog2>}},
      {"Eq", {2, binary<of_one_type<symbolic::equal>>}},
      {"Equality", {2, binary<of_one_type<symbolic::equal>>}},
      {"Ne", {2, binary<of_one_type<symbolic::not_equal>>}},
      {"Unequality", {2, binary<of_one_type<symbolic::not_equal>>}},
      {"Lt", {2, binary<of_one_type<symbolic::less>>}},
      {"StrictLessThan", {2, binary<of_one_type<symbolic::less>>}},
      {"Le", {2, binary<of_one_type<symbolic::less_equal>>}},
      {"LessThan", {2, binary<of_one_type<symbolic::less_equal>>}},
      {"Gt", {2, binary<greater>}},
      {"StrictGreaterThan", {2, binary<greater>}},
      {"Ge", {2, binary<greater_equal>}},
      {"GreaterThan", {2, binary<greater_equal>}},
      {"And", {kAny, folded<both>}},
      {"Or", {kAny, folded<either>}},
      {"Not", {1, unary<inverse>}},
      {"Where", {3, choice}},
  };
  return kFunctions;
}

/// What each function of Python's computes, as sympy calls it.
std::string_view sympy_name(const std::string& target, bool of_bools, bool of_floats) {
  static const std::unordered_map<std::string_view, std::string_view> kNames = {
      {"_operator.add", "Add"},
      {"_operator.mul", "Mul"},
      {"_operator.floordiv", "FloorDiv"},
      {"_operator.mod", "Mod"},
      {"_operator.pow", "Pow"},
      {"_operator.lshift", "LShift"},
      {"_operator.rshift", "RShift"},
      {"_operator.eq", "Eq"},
      {"_operator.ne", "Ne"},
      {"_operator.lt", "Lt"},
      {"_operator.le", "Le"},
      {"_operator.gt", "Gt"},
      {"_operator.ge", "Ge"},
      {"math.trunc", "TruncToInt"},
      {"torch.sym_int", "TruncToInt"},
      {"torch.sym_max", "Max"},
      {"torch.sym_min", "Min"},
      {"torch.sym_ite", "Where"},
      {"torch.sym_float", "ToFloat"},
      {"torch.sym_not", "Not"},
      {"torch._sym_sqrt", "OpaqueUnaryFn_sqrt"},
      {"torch.sym_sqrt", "OpaqueUnaryFn_sqrt"},
      {"_operator.pos", "Identity"},
  };
  if (target == "_operator.and_") return of_bools ? "And" : "BitwiseFn_bitwise_and";
  if (target == "_operator.or_") return of_bools ? "Or" : "BitwiseFn_bitwise_or";
  if (target == "_operator.truediv") return of_floats ? "FloatTrueDiv" : "IntTrueDiv";
  const auto found = kNames.find(target);
  return found == kNames.end() ? std::string_view() : found->second;
}

}  // namespace

Expression apply_sympy(std::string_view function, const Operands& operands) {
  const std::string name(function.substr(0, 60));
  const auto found = functions().find(function);
  if (found == functions().end())
    throw UnsupportedOperator("a size is computed by " + name + ", which isn't known here", ErrorCode::kFileContent);
  const size_t arity = found->second.arity;
  if (operands.empty() || (arity != kAny && operands.size() != arity)) {
    throw Error(name + " has " + std::to_string(operands.size()) + " operands", ErrorCode::kUnreadableFile);
  }
  return found->second.make(operands);
}

bool is_python_number_function(const std::string& function) {
  return function == "_operator.neg" || function == "_operator.sub" || !sympy_name(function, false, false).empty();
}

Expression apply_python(const std::string& function, const Operands& operands) {
  const bool of_bools = std::ranges::all_of(operands, &Expression::is_bool);
  const bool of_floats = std::ranges::any_of(operands, &Expression::is_float);
  const bool is_sum = function == "_operator.add";
  if (is_sum || function == "_operator.sub") {
    if (auto rounded = rounding(is_sum, operands)) return *std::move(rounded);
  }
  if (function == "_operator.neg" && operands.size() == 1) return apply_sympy("Mul", {Expression(-1), operands[0]});
  if (function == "_operator.sub" && operands.size() == 2) {
    if (of_floats) {
      return symbolic::float_binary(symbolic::Kind::kSubtract, symbolic::to_float(operands[0]),
                                    symbolic::to_float(operands[1]));
    }
    return apply_sympy("Add", {operands[0], apply_sympy("Mul", {Expression(-1), operands[1]})});
  }
  const std::string_view name = sympy_name(function, of_bools, of_floats);
  if (!name.empty()) return apply_sympy(name, operands);
  throw UnsupportedOperator("the program calls " + function.substr(0, 80) + ", which isn't known here",
                            ErrorCode::kFileContent);
}

}  // namespace tracejet::pt2
