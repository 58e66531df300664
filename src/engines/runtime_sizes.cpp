#include "engines/runtime_sizes.h"

#include <bit>

#include "base/error.h"
#include "ir/symbolic_constant.h"

namespace tracejet {

using symbolic::Expression;

std::optional<int64_t> RuntimeSizes::find(uint64_t symbol) const {
  const auto found = values_.find(symbol);
  return found == values_.end() ? std::nullopt : std::optional(found->second);
}

int64_t RuntimeSizes::value_of(const symbolic::Symbol& symbol) const {
  if (const auto value = find(symbol.id)) return *value;
  throw Error("the program depends on " + symbol.name + ", which is the size of no input", ErrorCode::kInternalError);
}

int64_t RuntimeSizes::evaluate(const Expression& expression) const {
  return symbolic::evaluate(expression, [this](const symbolic::Symbol& symbol) { return value_of(symbol); });
}

int64_t RuntimeSizes::evaluate(const c10::SymInt& size) const {
  if (const auto known = size.maybe_as_int()) return *known;
  return evaluate(expression_of(size));
}

std::vector<int64_t> RuntimeSizes::evaluate(c10::SymIntArrayRef sizes) const {
  std::vector<int64_t> values;
  values.reserve(sizes.size());
  for (const c10::SymInt& size : sizes) values.push_back(evaluate(size));
  return values;
}

c10::IValue RuntimeSizes::number(const Expression& expression) const {
  if (expression.is_int()) return evaluate(expression);
  const auto value = [this](const symbolic::Symbol& symbol) { return value_of(symbol); };
  if (expression.is_bool()) return symbolic::holds(expression, value);
  return symbolic::evaluate_float(expression, value);
}

bool RuntimeSizes::holds(const symbolic::Condition& condition) const {
  try {
    return symbolic::holds(condition, [this](const symbolic::Symbol& symbol) { return value_of(symbol); });
  } catch (const InvalidInput&) {  // it divides by 0
    return false;
  }
}

c10::IValue resolve(const c10::IValue& constant, const RuntimeSizes& sizes) {
  if (constant.isList()) {
    // The lists of schemas that can hold symbolic numbers are SymInt[], which kernels read as int[].
    c10::List<int64_t> values;
    for (const c10::IValue& element : constant.toListRef()) values.push_back(resolve(element, sizes).toInt());
    return values;
  }
  const auto expression = symbolic_expression(constant);
  return expression ? sizes.number(*expression) : constant;
}

int64_t as_symbol_value(const c10::IValue& number) {
  return number.isDouble() ? std::bit_cast<int64_t>(number.toDouble()) : number.toInt();
}

void check(const RuntimeAssertion& assertion, const RuntimeSizes& sizes) {
  if (!sizes.holds(assertion.condition)) throw InvalidInput(assertion.message, ErrorCode::kRuntimeAssertion);
}

}  // namespace tracejet
