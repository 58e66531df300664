#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "symbolic/range.h"

namespace tracejet::symbolic {

/// A dimension or number that is known only when the program runs. Two symbols are the same when their ids are.
struct Symbol {
  std::string name;
  Range range;
  int64_t hint = 0;    ///< The value of the example that was traced; meaningless when not `backed`.
  bool backed = true;  ///< False for a data-dependent value (`.item()`, the size of `nonzero`).
  uint64_t id = 0;
  bool is_float = false;  ///< A float of data, whose value is passed round as the integer of the same bits.
};

enum class Type : uint8_t { kInt, kFloat, kBool };

/// The operators of an expression. After each, its operands; see README.md for the normal form of integers.
enum class Kind : uint8_t {
  kConstant,  ///< constant(), real() or truth(), by type()
  kSymbol,    ///< symbol(); an integer, unless it says otherwise

  // Integers
  kSum,         ///< terms: each an atom, a kProduct or (last) a kConstant; at least two
  kProduct,     ///< coefficient() times all operands; a lone operand means that the coefficient isn't 1
  kFloorDiv,    ///< a // b
  kMod,         ///< a % b, with the sign of b
  kPower,       ///< a ** b, b >= 0 and not constant
  kBitAnd,      ///< a & b
  kBitOr,       ///< a | b
  kBitXor,      ///< a ^ b
  kShiftLeft,   ///< a << b
  kShiftRight,  ///< a >> b
  kFloor,       ///< of a float, as are the next three
  kCeil,
  kTruncate,
  kRound,     ///< half to even
  kFromBool,  ///< 1 or 0

  // Integers or floats
  kMin,  ///< of all operands, at least two
  kMax,

  kSelect,  ///< condition, value if true, value if false

  // Floats
  kToFloat,   ///< of an integer
  kAdd,       ///< a + b: floats are left in the order they were written in
  kSubtract,  ///< a - b
  kMultiply,  ///< a * b
  kTrueDiv,   ///< a / b, of two integers or of two floats
  kFloatPower,
  kFloatMod,
  kRoundDigits,  ///< round(a, digits): digits is an integer constant
  kSqrt,
  kCos,
  kCosh,
  kSin,
  kSinh,
  kTan,
  kTanh,
  kAsin,
  kAcos,
  kAtan,
  kLog2,

  // Booleans
  kEqual,  ///< of two integers or of two floats, as are the next three
  kNotEqual,
  kLess,  ///< floats only; a < b of integers is a + 1 <= b
  kLessEqual,
  kAnd,  ///< at least two
  kOr,
  kNot,  ///< of a kLess or kLessEqual of floats only (NaN); everything else is turned round
};

struct Node;

/// An immutable integer, float or boolean expression in normal form: a value, cheap to copy, safe to share.
///
/// Expressions are equal when their normal forms are; unequal ones may still always have the same value
/// (Context::decide knows more). Arithmetic that overflows 64 bits throws tracejet::Error.
class Expression {
 public:
  using Kind = symbolic::Kind;
  using Type = symbolic::Type;

  Expression();  ///< The integer 0.
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Expression(T value) : Expression(integer(static_cast<int64_t>(value))) {}
  explicit Expression(std::shared_ptr<const Node> node) : node_(std::move(node)) {}

  static Expression integer(int64_t value);
  static Expression real(double value);
  static Expression truth(bool value);
  static Expression of(Symbol symbol);

  Kind kind() const;
  Type type() const;
  bool is_int() const { return type() == Type::kInt; }
  bool is_float() const { return type() == Type::kFloat; }
  bool is_bool() const { return type() == Type::kBool; }

  bool is_constant() const { return kind() == Kind::kConstant; }
  bool is_symbol() const { return kind() == Kind::kSymbol; }
  bool is_constant(int64_t value) const { return is_constant() && is_int() && constant() == value; }
  int64_t constant() const;  ///< Of an integer or boolean constant.
  double real() const;       ///< Of a float constant.
  bool truth() const { return constant() != 0; }

  const Symbol& symbol() const;
  int64_t coefficient() const;  ///< Of a kProduct; 1 for anything else.
  std::span<const Expression> operands() const;

  /// Where an integer's (or a boolean's, as 0 and 1) value lies, from the ranges of the symbols alone.
  Range range() const;
  /// Whether the value on the traced example is known: no unbacked symbol takes part.
  bool has_hint() const;
  int64_t hint() const;      ///< Of an integer or boolean; throws DataDependent without one.
  double real_hint() const;  ///< Of a float.

  std::string str() const;
  size_t hash() const;
  const Node& node() const { return *node_; }

  friend bool operator==(const Expression& a, const Expression& b);

 private:
  std::shared_ptr<const Node> node_;
};

std::ostream& operator<<(std::ostream& stream, const Expression& expression);

/// An expression of type kBool. Negation and comparison normalize, so `a < b` and `not (b <= a)` are one condition.
using Condition = Expression;

/// A total order that only depends on structure, so that the normal form prints alike in every run.
std::strong_ordering compare(const Expression& a, const Expression& b);

// Integers ---------------------------------------------------------------------------------------------------------
Expression operator+(const Expression& a, const Expression& b);
Expression operator-(const Expression& a, const Expression& b);
Expression operator-(const Expression& a);
Expression operator*(const Expression& a, const Expression& b);
Expression sum(std::span<const Expression> terms);
Expression floor_div(const Expression& a, const Expression& b);  ///< Throws InvalidInput for a divisor that is 0.
Expression ceil_div(const Expression& a, const Expression& b);
Expression mod(const Expression& a, const Expression& b);
Expression power(const Expression& base, const Expression& exponent);  ///< exponent >= 0
Expression min(const Expression& a, const Expression& b);              ///< Of two integers or two floats.
Expression max(const Expression& a, const Expression& b);
Expression abs(const Expression& a);  ///< Of an integer or float.
Expression bit_and(const Expression& a, const Expression& b);
Expression bit_or(const Expression& a, const Expression& b);
Expression bit_xor(const Expression& a, const Expression& b);
Expression shift_left(const Expression& a, const Expression& b);
Expression shift_right(const Expression& a, const Expression& b);
Expression from_bool(const Condition& a);

// Floats -----------------------------------------------------------------------------------------------------------
Expression to_float(const Expression& a);                       ///< Of an integer, float or boolean.
Expression true_div(const Expression& a, const Expression& b);  ///< Of two integers or two floats.
/// kAdd, kSubtract, kMultiply, kFloatPower or kFloatMod of two floats.
Expression float_binary(Kind kind, const Expression& a, const Expression& b);
/// kSqrt … kLog2 of a float.
Expression float_function(Kind kind, const Expression& a);
Expression float_negate(const Expression& a);
Expression round_digits(const Expression& a, int64_t digits);
/// kFloor, kCeil, kTruncate or kRound of a float: an integer. Exact quotients of integers stay exact.
Expression to_int(Kind kind, const Expression& a);

// Conditions -------------------------------------------------------------------------------------------------------
Condition equal(const Expression& a, const Expression& b);  ///< Of two integers, floats or booleans.
Condition not_equal(const Expression& a, const Expression& b);
Condition less(const Expression& a, const Expression& b);
Condition is_integer(const Expression& a);  ///< Of a float.
Condition less_equal(const Expression& a, const Expression& b);
Condition logical_and(const Condition& a, const Condition& b);
Condition logical_or(const Condition& a, const Condition& b);
Condition logical_not(const Condition& a);
Expression select(const Condition& condition, const Expression& when_true, const Expression& when_false);

// Evaluation and rewriting -----------------------------------------------------------------------------------------
using Assignment = std::function<int64_t(const Symbol&)>;

/// The value under an assignment; throws tracejet::Error on overflow and InvalidInput on a division by zero.
int64_t evaluate(const Expression& expression, const Assignment& value_of);
double evaluate_float(const Expression& expression, const Assignment& value_of);
bool holds(const Condition& condition, const Assignment& value_of);

/// `expression` with every symbol replaced, normalized anew.
Expression substitute(const Expression& expression, const std::function<Expression(const Expression& symbol)>& replace);
/// The symbol as it is where it is in this range: a constant where that is one number.
Expression with_range(Symbol symbol, Range range);
/// The same operator on other operands, normalized: what a rewriting visitor calls on its way up.
Expression rebuild(const Expression& expression, std::span<const Expression> operands);
/// The symbols of an expression, each once, in order of first appearance.
std::vector<Symbol> symbols_of(const Expression& expression);
/// Whether an unbacked symbol takes part.
bool is_data_dependent(const Expression& expression);

}  // namespace tracejet::symbolic

template <>
struct std::hash<tracejet::symbolic::Expression> {
  size_t operator()(const tracejet::symbolic::Expression& expression) const { return expression.hash(); }
};
