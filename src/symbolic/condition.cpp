// Comparisons and boolean operators.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "symbolic/node.h"

namespace tracejet::symbolic {
namespace {

/// An integer relation as "low <= high" (or "low == high"), each term on the side where it is positive.
struct Sides {
  Expression low;
  Expression high;
};

Sides sides_of(const Expression& difference) {
  std::vector<Expression> low;
  std::vector<Expression> high;
  for (const Expression& term : terms_of(difference)) {
    if (coefficient_of(term) < 0) {
      low.push_back(-term);
    } else {
      high.push_back(term);
    }
  }
  return {sum(low), sum(high)};
}

int64_t common_coefficient(const Expression& difference) {
  int64_t common = 0;
  for (const Expression& term : terms_of(difference)) {
    if (!term.is_constant()) common = std::gcd(common, coefficient_of(term));
  }
  return common;
}

Expression coefficients_divided(const Expression& difference, int64_t common) {
  return map_coefficients(difference, [common](int64_t value) { return floor_div(value, common); });
}

Condition integers_equal(const Expression& a, const Expression& b, Kind kind) {
  const bool when_equal = kind == Kind::kEqual;
  // Before any arithmetic: slices are compared with the smallest and the largest integer.
  if (intersect(a.range(), b.range()).is_empty()) return Condition::truth(!when_equal);
  Expression difference = a - b;
  if (difference.is_constant()) return Condition::truth((difference.constant() == 0) == when_equal);
  if (!difference.range().contains(0)) return Condition::truth(!when_equal);
  const int64_t common = common_coefficient(difference);
  if (offset_of(difference) % common != 0) return Condition::truth(!when_equal);
  if (common > 1) difference = coefficients_divided(difference, common);
  if (coefficient_of(terms_of(difference).front()) < 0) difference = -difference;
  const Sides sides = sides_of(difference);
  return make(kind, Type::kBool, {sides.high, sides.low});
}

Condition integers_less_equal(const Expression& a, const Expression& b) {
  if (a.range().max <= b.range().min) return Condition::truth(true);
  if (a.range().min > b.range().max) return Condition::truth(false);
  Expression difference = b - a;
  const Range range = difference.range();
  if (range.min >= 0) return Condition::truth(true);
  if (range.max < 0) return Condition::truth(false);
  if (const int64_t common = common_coefficient(difference); common > 1)
    difference = coefficients_divided(difference, common);
  const Sides sides = sides_of(difference);
  return make(Kind::kLessEqual, Type::kBool, {sides.low, sides.high});
}

/// A float that is an integer converted: comparing those needs no floats.
std::optional<Expression> converted_integer(const Expression& a) {
  if (a.kind() == Kind::kToFloat) return a.operands()[0];
  return std::nullopt;
}

constexpr double kExactLimit = 9007199254740992.0;  // 2 ** 53: up to here every integer is a double

/// floor (or ceil) of a float constant that a converted integer is compared with.
std::optional<int64_t> near_constant(const Expression& a, bool up) {
  if (!a.is_constant() || !(std::fabs(a.real()) < kExactLimit)) return std::nullopt;
  return static_cast<int64_t>(up ? std::ceil(a.real()) : std::floor(a.real()));
}

std::optional<Condition> compare_as_integers(Kind kind, const Expression& a, const Expression& b) {
  const auto x = converted_integer(a);
  const auto y = converted_integer(b);
  if (x && y) {
    if (kind == Kind::kEqual) return equal(*x, *y);
    if (kind == Kind::kNotEqual) return not_equal(*x, *y);
    return kind == Kind::kLess ? less(*x, *y) : less_equal(*x, *y);
  }
  if (kind == Kind::kEqual || kind == Kind::kNotEqual) {
    if (!x && !y) return std::nullopt;
    const auto low = near_constant(x ? b : a, false);
    const auto high = near_constant(x ? b : a, true);
    if (!low) return std::nullopt;
    if (*low != *high) return Condition::truth(kind == Kind::kNotEqual);
    return kind == Kind::kEqual ? equal(x ? *x : *y, *low) : not_equal(x ? *x : *y, *low);
  }
  // x < 2.5 and x <= 2.5 are x <= 2; x < 2.0 is x <= 1.
  if (x) {
    const auto limit = near_constant(b, kind == Kind::kLess);
    if (!limit) return std::nullopt;
    return kind == Kind::kLess ? less(*x, *limit) : less_equal(*x, *limit);
  }
  if (y) {
    const auto limit = near_constant(a, kind != Kind::kLess);
    if (!limit) return std::nullopt;
    return kind == Kind::kLess ? less(*limit, *y) : less_equal(*limit, *y);
  }
  return std::nullopt;
}

Condition relate_floats(Kind kind, Expression a, Expression b) {
  if (auto exact = compare_as_integers(kind, a, b)) return *exact;
  if ((kind == Kind::kEqual || kind == Kind::kNotEqual) && compare(b, a) < 0) std::swap(a, b);
  const Condition relation = make(kind, Type::kBool, {a, b});
  return a.is_constant() && b.is_constant() ? Condition::truth(relation.node().hint != 0) : relation;
}

void require_same_type(const Expression& a, const Expression& b) {
  if (a.type() != b.type()) throw InvalidInput("can't compare " + a.str() + " and " + b.str() + ": different types");
}

Condition connected(Kind kind, const Condition& a, const Condition& b) {
  const bool neutral = kind == Kind::kAnd;
  if (a.is_constant()) return a.truth() == neutral ? b : a;
  if (b.is_constant()) return b.truth() == neutral ? a : b;
  std::vector<Condition> parts;
  for (const Condition& side : {a, b}) {
    if (side.kind() == kind) {
      parts.insert(parts.end(), side.operands().begin(), side.operands().end());
    } else {
      parts.push_back(side);
    }
  }
  std::sort(parts.begin(), parts.end(), [](const auto& x, const auto& y) { return compare(x, y) < 0; });
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  for (const Condition& part : parts) {
    if (std::find(parts.begin(), parts.end(), logical_not(part)) != parts.end()) return Condition::truth(!neutral);
  }
  return parts.size() == 1 ? parts.front() : make(kind, Type::kBool, std::move(parts));
}

}  // namespace

Condition equal(const Expression& a, const Expression& b) {
  require_same_type(a, b);
  if (a.is_float()) return relate_floats(Kind::kEqual, a, b);
  if (a.is_int()) return integers_equal(a, b, Kind::kEqual);
  return logical_or(logical_and(a, b), logical_and(logical_not(a), logical_not(b)));
}

Condition not_equal(const Expression& a, const Expression& b) {
  require_same_type(a, b);
  if (a.is_float()) return relate_floats(Kind::kNotEqual, a, b);
  if (a.is_int()) return integers_equal(a, b, Kind::kNotEqual);
  return logical_not(equal(a, b));
}

Condition less(const Expression& a, const Expression& b) {
  require_same_type(a, b);
  if (a.is_float()) return relate_floats(Kind::kLess, a, b);
  if (a.range().max < b.range().min) return Condition::truth(true);
  if (a.range().min >= b.range().max) return Condition::truth(false);
  return integers_less_equal(a + Expression(1), b);
}

Condition less_equal(const Expression& a, const Expression& b) {
  require_same_type(a, b);
  return a.is_float() ? relate_floats(Kind::kLessEqual, a, b) : integers_less_equal(a, b);
}

Condition logical_and(const Condition& a, const Condition& b) { return connected(Kind::kAnd, a, b); }
Condition logical_or(const Condition& a, const Condition& b) { return connected(Kind::kOr, a, b); }

Condition logical_not(const Condition& a) {
  if (a.is_constant()) return Condition::truth(!a.truth());
  const auto operands = a.operands();
  switch (a.kind()) {
    case Kind::kNot:
      return operands[0];
    case Kind::kEqual:
      return make(Kind::kNotEqual, Type::kBool, {operands[0], operands[1]});
    case Kind::kNotEqual:
      return make(Kind::kEqual, Type::kBool, {operands[0], operands[1]});
    case Kind::kAnd:
    case Kind::kOr: {
      Condition result = logical_not(operands[0]);
      for (const Condition& operand : operands.subspan(1)) {
        result = a.kind() == Kind::kAnd ? logical_or(result, logical_not(operand))
                                        : logical_and(result, logical_not(operand));
      }
      return result;
    }
    case Kind::kLessEqual:
      if (operands[0].is_int()) return less(operands[1], operands[0]);
      [[fallthrough]];
    default:
      return make(Kind::kNot, Type::kBool, {a});  // of floats: NaN is neither less nor not less
  }
}

}  // namespace tracejet::symbolic
