#include "symbolic/cases.h"

#include <cstdlib>
#include <numeric>

#include "symbolic/solve.h"

namespace tracejet::symbolic {

namespace {

/// More cases than this are one: that nothing is known.
constexpr size_t kMostCases = 8;
constexpr int64_t kLargestModulus = 64;

/// The least common multiple of all constants that something is divided by; 0 where it is too large.
int64_t modulus_of(const Expression& expression) {
  int64_t modulus = 1;
  const bool divides = expression.kind() == Kind::kMod || expression.kind() == Kind::kFloorDiv;
  if (divides && expression.operands()[1].is_constant()) modulus = std::abs(expression.operands()[1].constant());
  for (const Expression& operand : expression.operands()) {
    if (modulus == 0 || modulus > kLargestModulus) return 0;
    modulus = std::lcm(modulus, modulus_of(operand));
  }
  return modulus > kLargestModulus ? 0 : modulus;
}

std::vector<Case> by_remainder(const Condition& condition, const Symbol& symbol, int64_t modulus) {
  std::vector<Case> cases;
  const auto part = [&](int64_t bound, int64_t remainder) {
    return bound == kInfinity || bound == -kInfinity ? bound : (bound - remainder) / modulus;
  };
  for (int64_t remainder = 0; remainder < modulus; ++remainder) {
    Symbol quotient = symbol;
    quotient.name = symbol.name + "/" + std::to_string(modulus);
    quotient.hint = part(symbol.hint, remainder);
    // Rounded towards zero: a size less than the least may be among them.
    quotient.range = {part(symbol.range.min, remainder), part(symbol.range.max, remainder)};
    quotient.id = symbol.id;  // the same in every remainder, and apart from the symbol by never meeting it
    const Expression size = Expression(modulus) * Expression::of(quotient) + Expression(remainder);
    const Case one{{symbol.name, size}};
    const Condition there = in_case(condition, one);
    if (!there.is_constant() || there.truth()) cases.push_back(one);
  }
  return cases;
}

std::vector<Case> by_range(const Condition& condition, const Symbol& symbol) {
  const auto solution = solve(condition, symbol, symbol.range);
  if (!solution) return {Case{}};
  std::vector<Case> cases;
  for (const Range& range : *solution) {
    cases.push_back({{symbol.name, with_range(symbol, range)}});
  }
  return cases;
}

std::vector<Case> cases_of_one(const Condition& condition) {
  if (condition.is_constant()) return condition.truth() ? std::vector{Case{}} : std::vector<Case>{};
  const auto symbols = symbols_of(condition);
  if (symbols.size() == 2 && condition.kind() == Kind::kEqual) {
    const auto operands = condition.operands();
    if (operands[0].is_symbol() && operands[1].is_symbol()) {
      return {Case{{operands[0].symbol().name, operands[1]}}};
    }
  }
  if (symbols.size() != 1 || !symbols.front().backed) return {Case{}};
  const int64_t modulus = modulus_of(condition);
  if (modulus == 0) return {Case{}};
  return modulus == 1 ? by_range(condition, symbols.front()) : by_remainder(condition, symbols.front(), modulus);
}

}  // namespace

Expression in_case(const Expression& expression, const Case& sizes) {
  if (sizes.empty()) return expression;
  return substitute(expression, [&](const Expression& symbol) {
    const auto found = sizes.find(symbol.symbol().name);
    return found == sizes.end() ? symbol : found->second;
  });
}

std::vector<Case> cases_of(std::span<const Condition> conditions) {
  std::vector<Case> cases{Case{}};
  for (const Condition& condition : conditions) {
    std::vector<Case> finer;
    for (const Case& known : cases) {
      for (const Case& more : cases_of_one(in_case(condition, known))) {
        Case both = more;
        for (const auto& [name, size] : known) both.insert_or_assign(name, in_case(size, more));
        finer.push_back(std::move(both));
      }
    }
    if (finer.size() > kMostCases) return {Case{}};
    cases = std::move(finer);
  }
  return cases;
}

}  // namespace tracejet::symbolic
