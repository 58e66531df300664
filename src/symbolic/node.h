#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "symbolic/expression.h"

namespace tracejet::symbolic {

/// What an Expression points at. Everything asked for often is computed once, when the node is made.
struct Node {
  Kind kind = Kind::kConstant;
  Type type = Type::kInt;
  bool has_hint = true;
  int64_t value = 0;  ///< An integer or boolean constant; the coefficient of a product.
  double real = 0;    ///< A float constant.
  std::shared_ptr<const Symbol> symbol;
  std::vector<Expression> operands;

  Range range;
  int64_t hint = 0;
  double real_hint = 0;
  size_t hash = 0;
  bool hint_is_possible = true;  ///< The hints lie in the ranges of their symbols: the hint is a value that can be.
  uint64_t symbols = 0;          ///< A bit for each symbol, by its id: without a common one there is no common symbol.
  uint64_t size = 1;             ///< Operators and symbols, counted as often as they are written.
  uint64_t depth = 1;
};

/// Ids are unique in the process, so that symbols of two traces are never taken for each other.
uint64_t next_symbol_id();

/// Makes a node as it is given, in normal form already: fills in range, hint and hash.
Expression make(Kind kind, Type type, std::vector<Expression> operands, int64_t coefficient = 1);

/// The value of one operator on values of its operands; the one place that knows what each operator means.
struct Value {
  int64_t integer = 0;  ///< Also booleans.
  double real = 0;
};
Value apply_operator(const Node& node, std::span<const Value> operands);

int64_t checked_add(int64_t a, int64_t b);
int64_t checked_multiply(int64_t a, int64_t b);

/// An integer expression as its terms: what kSum, kProduct and everything else have in common.
std::span<const Expression> terms_of(const Expression& expression);
/// The factors of a term: of a product its operands, of a constant none, of an atom itself.
std::span<const Expression> factors_of(const Expression& term);
/// The factor in front of a term: a constant itself, a product's coefficient, else 1.
int64_t coefficient_of(const Expression& term);
/// The constant term of an integer expression.
int64_t offset_of(const Expression& expression);
/// coefficient times a product of atoms, normalized.
Expression make_term(int64_t coefficient, std::vector<Expression> factors);
/// Every coefficient replaced; terms that become 0 vanish.
Expression map_coefficients(const Expression& expression, const std::function<int64_t(int64_t)>& change);
/// Which of two terms comes first in a sum: higher degree first, the constant last.
std::strong_ordering compare_terms(const Expression& a, const Expression& b);

/// a == quotient * divisor + remainder, by long division of polynomials.
struct Division {
  Expression quotient;
  Expression remainder;
};
Division divide(const Expression& a, const Expression& divisor);
/// The polynomial q with a == q * divisor, if there is one.
std::optional<Expression> exact_quotient(const Expression& a, const Expression& divisor);
/// The largest term (a positive coefficient times atoms) that divides every term of `a` and of `b`.
Expression common_factor(const Expression& a, const Expression& b);

/// A tighter range than Expression::range(): it sees that operands depend on each other, at some cost.
Range bounds(const Expression& expression);
/// Whether bounds(expression).min >= 0, at half the cost or none.
bool is_never_negative(const Expression& expression);

}  // namespace tracejet::symbolic
