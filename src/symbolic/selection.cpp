// min, max, abs, select and the bitwise operators.
#include <algorithm>

#include "base/error.h"
#include "symbolic/node.h"

namespace tracejet::symbolic {
namespace {

/// Whether a wins against b in a min or max, whatever the symbols are.
bool dominates(Kind kind, const Expression& a, const Expression& b) {
  const Range x = a.range();
  const Range y = b.range();
  if (kind == Kind::kMax) return x.min >= y.max || is_never_negative(a - b);
  return x.max <= y.min || is_never_negative(b - a);
}

Expression integer_extreme(Kind kind, const Expression& a, const Expression& b) {
  std::vector<Expression> candidates;
  for (const Expression& side : {a, b}) {
    if (side.kind() == kind) {
      candidates.insert(candidates.end(), side.operands().begin(), side.operands().end());
    } else {
      candidates.push_back(side);
    }
  }
  std::sort(candidates.begin(), candidates.end(), [](const auto& x, const auto& y) { return compare(x, y) < 0; });
  std::vector<Expression> kept;
  for (const Expression& candidate : candidates) {
    const auto beats = [&](const Expression& other) { return dominates(kind, other, candidate); };
    if (std::any_of(kept.begin(), kept.end(), beats)) continue;
    std::erase_if(kept, [&](const Expression& other) { return dominates(kind, candidate, other); });
    kept.push_back(candidate);
  }
  return kept.size() == 1 ? kept.front() : make(kind, Type::kInt, std::move(kept));
}

Expression extreme(Kind kind, const Expression& a, const Expression& b) {
  if (a.type() != b.type() || a.is_bool()) {
    throw InvalidInput("min and max need two integers or two floats, got " + a.str() + " and " + b.str());
  }
  if (a.is_int()) return integer_extreme(kind, a, b);
  if (a == b) return a;
  if (a.kind() == Kind::kToFloat && b.kind() == Kind::kToFloat) {
    return to_float(integer_extreme(kind, a.operands()[0], b.operands()[0]));
  }
  const Expression result = make(kind, Type::kFloat, {a, b});
  return a.is_constant() && b.is_constant() ? Expression::real(result.real_hint()) : result;
}

bool may_be_nan(const Expression& a, const Expression& b) {
  return a.is_float() && b.is_float() && (is_data_dependent(a) || is_data_dependent(b));
}

Expression bitwise(Kind kind, const Expression& a, const Expression& b) {
  const bool swap = compare(b, a) < 0;
  const Expression result = make(kind, Type::kInt, {swap ? b : a, swap ? a : b});
  return a.is_constant() && b.is_constant() ? Expression(result.hint()) : result;
}

}  // namespace

// Python gives the first of two floats unless the second passes it: where one is NaN, their order counts.
Expression min(const Expression& a, const Expression& b) {
  return may_be_nan(a, b) ? select(less(b, a), b, a) : extreme(Kind::kMin, a, b);
}
Expression max(const Expression& a, const Expression& b) {
  return may_be_nan(a, b) ? select(less(a, b), b, a) : extreme(Kind::kMax, a, b);
}

Expression abs(const Expression& a) {
  if (a.is_float()) return extreme(Kind::kMax, a, float_negate(a));
  if (bounds(a).min >= 0) return a;
  if (bounds(a).max <= 0) return -a;
  return extreme(Kind::kMax, a, -a);
}

Expression bit_and(const Expression& a, const Expression& b) {
  if (a == b) return a;
  if (a.is_constant(0) || b.is_constant(0)) return 0;
  return bitwise(Kind::kBitAnd, a, b);
}

Expression bit_or(const Expression& a, const Expression& b) {
  if (a == b || b.is_constant(0)) return a;
  if (a.is_constant(0)) return b;
  return bitwise(Kind::kBitOr, a, b);
}

Expression bit_xor(const Expression& a, const Expression& b) {
  if (a == b) return 0;
  if (b.is_constant(0)) return a;
  if (a.is_constant(0)) return b;
  return bitwise(Kind::kBitXor, a, b);
}

Expression shift_left(const Expression& a, const Expression& b) {
  if (b.is_constant() && 0 <= b.constant() && b.constant() < 63) return a * Expression(int64_t{1} << b.constant());
  return make(Kind::kShiftLeft, Type::kInt, {a, b});
}

Expression shift_right(const Expression& a, const Expression& b) {
  if (b.is_constant() && 0 <= b.constant() && b.constant() < 63) {
    return floor_div(a, Expression(int64_t{1} << b.constant()));
  }
  return make(Kind::kShiftRight, Type::kInt, {a, b});
}

Expression from_bool(const Condition& a) {
  return a.is_constant() ? Expression(a.constant()) : make(Kind::kFromBool, Type::kInt, {a});
}

Expression select(const Condition& condition, const Expression& when_true, const Expression& when_false) {
  if (when_true.type() != when_false.type()) {
    throw InvalidInput("both sides of a selection need one type, got " + when_true.str() + " and " + when_false.str());
  }
  if (condition.is_constant()) return condition.truth() ? when_true : when_false;
  if (when_true == when_false) return when_true;
  if (when_true.is_bool()) {
    return logical_or(logical_and(condition, when_true), logical_and(logical_not(condition), when_false));
  }
  if (when_true.is_constant(1) && when_false.is_constant(0)) return from_bool(condition);
  return make(Kind::kSelect, when_true.type(), {condition, when_true, when_false});
}

}  // namespace tracejet::symbolic
