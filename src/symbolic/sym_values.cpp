// What is known of symbolic numbers, whoever's nodes stand for them.
#include <algorithm>
#include <span>

#include "symbolic/cases.h"
#include "symbolic/context.h"
#include "symbolic/node.h"
#include "symbolic/sym_node.h"

namespace tracejet::symbolic {

namespace {

/// Then they aren't equal at all sizes, and no fact says so: facts hold for the example.
bool differ_in_example(const Node& a, const Node& b) {
  return a.has_hint && b.has_hint && a.hint_is_possible && b.hint_is_possible && a.hint != b.hint;
}

}  // namespace

std::optional<Expression> expression_of(const c10::SymInt& value) {
  if (const auto number = value.maybe_as_int()) return Expression(*number);
  return expression_of(*value.toSymNodeImplUnowned());
}

std::optional<Expression> expression_of(const c10::SymFloat& value) {
  if (!value.is_symbolic()) return Expression::real(value.as_float_unchecked());
  return expression_of(*value.toSymNodeImplUnowned());
}

std::optional<Expression> expression_of(const c10::SymBool& value) {
  if (!value.is_heap_allocated()) return Expression::truth(value.as_bool_unchecked());
  return expression_of(*value.toSymNodeImplUnowned());
}

c10::SymInt normalized(const c10::SymInt& value) {
  const auto expression = expression_of(value);
  return expression && expression->is_constant() ? c10::SymInt(expression->constant()) : value;
}

bool is_known_empty(c10::SymIntArrayRef sizes) {
  return std::ranges::any_of(sizes, [](const c10::SymInt& size) { return size.maybe_as_int() == 0; });
}

bool is_statically_equal(const c10::SymInt& a, const c10::SymInt& b) {
  const auto x = expression_of(a);
  const auto y = expression_of(b);
  if (!x || !y) return false;
  if (*x == *y) return true;
  if (x->is_int() && y->is_int() && differ_in_example(x->node(), y->node())) return false;
  return statically_known(a.sym_eq(b)) == true;
}

std::optional<bool> statically_known(const c10::SymBool& condition) {
  if (!condition.is_heap_allocated()) return condition.as_bool_unchecked();
  return condition.toSymNodeImplUnowned()->constant_bool();
}

std::optional<bool> known_size_oblivious(const c10::SymBool& condition) {
  if (const auto known = statically_known(condition)) return known;
  c10::SymNodeImpl& node = *condition.toSymNodeImplUnowned();
  const auto expression = expression_of(node);
  return expression ? context_of(node)->decide_size_oblivious(*expression) : std::nullopt;
}

bool follows(const c10::SymBool& conclusion, const c10::SymBool& premise) {
  const auto concluded = expression_of(conclusion), given = expression_of(premise);
  if (!concluded || !given) return false;
  return std::ranges::all_of(cases_of(std::span(&*given, 1)), [&](const Case& sizes) {
    const Condition there = in_case(*concluded, sizes);
    return there.is_constant() && there.truth();
  });
}

std::optional<int64_t> hint_of(const c10::SymInt& value) {
  const auto expression = expression_of(value);
  return expression && expression->has_hint() ? std::optional(expression->hint()) : std::nullopt;
}

}  // namespace tracejet::symbolic
