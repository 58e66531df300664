// The value of an expression under an assignment.
#include <bit>
#include <vector>

#include "symbolic/node.h"

namespace tracejet::symbolic {

namespace {

Value evaluated(const Expression& expression, const Assignment& value_of) {
  if (expression.is_symbol()) {
    const int64_t value = value_of(expression.symbol());
    return expression.is_float() ? Value{0, std::bit_cast<double>(value)} : Value{value, 0};
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
    if (expression.kind() == Kind::kAnd && values.back().integer == 0) return {0, 0};
    if (expression.kind() == Kind::kOr && values.back().integer != 0) return {1, 0};
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
