// What follows from the conditions that were assumed, and deciding with it.
#include <algorithm>
#include <numeric>

#include "symbolic/context.h"
#include "symbolic/node.h"
#include "symbolic/steps.h"

namespace tracejet::symbolic {
namespace {

bool contains(const Expression& expression, const Expression& symbol) {
  if ((expression.node().symbols & symbol.node().symbols) == 0) return false;
  if (expression == symbol) return true;
  for (const Expression& operand : expression.operands()) {
    if (contains(operand, symbol)) return true;
  }
  return false;
}

/// A symbol that `difference == 0` can be solved for. Newer ones and those without a hint are given up first, and none
/// for a number of data that is newer: a program reads that one later.
std::optional<Expression> solvable_symbol(const Expression& difference) {
  std::optional<Expression> best;
  const auto rank = [](const Symbol& symbol) { return std::pair(!symbol.backed, symbol.id); };
  for (const Expression& term : terms_of(difference)) {
    const auto factors = factors_of(term);
    const int64_t coefficient = coefficient_of(term);
    if (factors.size() != 1 || !factors[0].is_symbol() || (coefficient != 1 && coefficient != -1)) continue;
    if (contains(difference - term, factors[0])) continue;
    if (!best || rank(best->symbol()) < rank(factors[0].symbol())) best = factors[0];
  }
  const auto is_read_later = [&](const Symbol& symbol) {
    return !symbol.backed && rank(best->symbol()) < rank(symbol);
  };
  if (best && std::ranges::any_of(symbols_of(difference), is_read_later)) return std::nullopt;
  return best;
}

/// The answer; open where it takes too many steps.
template <typename Decide>
std::optional<bool> unless_too_long(const Decide& decide) {
  const StepLimit limit(StepLimit::kDecision);
  try {
    return decide();
  } catch (const TooManySteps&) {
    return std::nullopt;
  }
}

int64_t coefficient_in(const Expression& sum, const Expression& atom) {
  for (const Expression& term : terms_of(sum)) {
    const auto factors = factors_of(term);
    if (factors.size() == 1 && factors[0] == atom) return coefficient_of(term);
  }
  return 0;
}

/// The sum with the operand in the place of a min or max that facts show to be the least or the greatest:
/// `is_not_negative` says what follows from them.
template <typename Follows>
Expression with_decided_extremes(const Expression& sum, const Follows& is_not_negative) {
  for (const Expression& term : terms_of(sum)) {
    const auto factors = factors_of(term);
    if (factors.size() != 1 || (factors[0].kind() != Kind::kMin && factors[0].kind() != Kind::kMax)) continue;
    const auto operands = factors[0].operands();
    const bool is_min = factors[0].kind() == Kind::kMin;
    const auto wins = [&](const Expression& operand) {
      return std::all_of(operands.begin(), operands.end(), [&](const Expression& other) {
        return other == operand || is_not_negative(is_min ? other - operand : operand - other);
      });
    };
    const auto winner = std::find_if(operands.begin(), operands.end(), wins);
    if (winner == operands.end()) continue;
    return with_decided_extremes(sum - term + Expression(coefficient_of(term)) * *winner, is_not_negative);
  }
  return sum;
}

}  // namespace

Expression Context::simplified(const Expression& expression) {
  if (!has_replacements_ || expression.is_constant()) return expression;
  const Reading alone(*this);
  return with_facts(expression);
}

Expression Context::with_facts(const Expression& expression) {
  if (facts_.replacements.empty() || expression.is_constant()) return expression;
  if (auto known = simplified_.find(expression); known != simplified_.end()) return known->second;
  const StepLimit limit(StepLimit::kOperation);
  Expression result = substitute(expression, [this](const Expression& symbol) {
    const auto found = facts_.replacements.find(symbol.symbol().id);
    return found == facts_.replacements.end() ? symbol : found->second;
  });
  simplified_.emplace(expression, result);
  return result;
}

Expression Context::with_multiples(const Expression& expression) const {
  return substitute(expression, [this](const Expression& symbol) -> Expression {
    const auto found = facts_.multiples.find(symbol.symbol().id);
    if (found == facts_.multiples.end()) return symbol;
    const auto& [modulus, residue, hidden_id] = found->second;
    const Symbol& whole = symbol.symbol();
    const auto end = [&](int64_t value, bool up) {
      if (value == kInfinity || value == -kInfinity) return value;
      return up ? -floor_div(residue - value, modulus) : floor_div(value - residue, modulus);
    };
    const Range range{end(whole.range.min, true), end(whole.range.max, false)};
    const Symbol part{"(" + whole.name + " - " + std::to_string(residue) + ")/" + std::to_string(modulus), range,
                      whole.backed ? floor_div(whole.hint - residue, modulus) : 0, whole.backed, hidden_id};
    return Expression(modulus) * Expression::of(part) + Expression(residue);
  });
}

Range Context::range(const Expression& expression) {
  const Reading alone(*this);
  const Expression simple = with_facts(expression);
  return facts_.multiples.empty() ? bounds(simple) : intersect(bounds(simple), bounds(with_multiples(simple)));
}

std::optional<bool> Context::decide(const Condition& condition) {
  if (condition.is_constant()) return condition.truth();
  const Reading alone(*this);
  if (auto known = decided_.find(condition); known != decided_.end()) return known->second;
  const Condition simple = with_facts(condition);
  const auto result = unless_too_long([&] { return decide_open(simple); });
  decided_.emplace(condition, result);
  return result;
}

std::optional<bool> Context::decide_open(const Condition& condition) {
  if (condition.is_constant()) return condition.truth();
  if (auto known = known_.find(condition); known != known_.end()) return known->second;
  switch (condition.kind()) {
    case Kind::kAnd:
    case Kind::kOr: {
      const bool absorbing = condition.kind() == Kind::kOr;
      bool all_decided = true;
      for (const Condition& part : condition.operands()) {
        const auto decided = decide_open(part);
        if (decided == absorbing) return absorbing;
        all_decided = all_decided && decided.has_value();
      }
      return all_decided ? std::optional(!absorbing) : std::nullopt;
    }
    case Kind::kNot: {
      const auto decided = decide_open(condition.operands()[0]);
      return decided ? std::optional(!*decided) : std::nullopt;
    }
    default:
      break;
  }
  if (auto decided = decide_relation(condition)) return decided;
  if (facts_.multiples.empty()) return std::nullopt;
  const Condition finer = with_multiples(condition);
  return finer.is_constant() ? std::optional(finer.truth()) : decide_relation(finer);
}

std::optional<bool> Context::decide_relation(const Condition& condition) {
  if (condition.operands().empty() || !condition.operands()[0].is_int()) return std::nullopt;
  const Expression difference = condition.operands()[1] - condition.operands()[0];
  switch (condition.kind()) {
    case Kind::kLessEqual:
      if (is_never_negative(difference)) return true;
      if (is_never_negative(-difference - Expression(1))) return false;
      return std::nullopt;
    case Kind::kEqual:
    case Kind::kNotEqual: {
      const bool when_equal = condition.kind() == Kind::kEqual;
      const bool not_below = is_never_negative(difference);
      const bool not_above = is_never_negative(-difference);
      if (not_below && not_above) return when_equal;
      if (is_never_negative(difference - Expression(1)) || is_never_negative(-difference - Expression(1))) {
        return !when_equal;
      }
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

bool Context::is_never_negative(const Expression& difference) {
  const auto follows = [this](const Expression& number) {
    if (symbolic::is_never_negative(number)) return true;
    const Node& node = number.node();
    // A fact holds for the hints, so where the number is negative no fact says otherwise.
    if (node.has_hint && node.hint_is_possible && node.hint < 0) return false;
    return std::any_of(not_negative_.begin(), not_negative_.end(), [&](const Expression& fact) {
      const bool is_related = (fact.node().symbols & node.symbols) != 0;
      return is_related && symbolic::is_never_negative(number - fact);
    });
  };
  if (follows(difference)) return true;
  if (not_negative_.empty() || difference.has_hint()) return false;  // a size of the inputs alone needs no check
  const Expression decided = with_decided_extremes(difference, follows);
  return decided != difference && follows(decided);
}

std::optional<bool> Context::decide_size_oblivious(const Condition& condition) {
  const Reading alone(*this);
  if (auto known = decide(condition)) return known;
  const Condition open = with_facts(condition);
  // A size that may be anything isn't compared with the one value that would make it special.
  if (open.kind() == Kind::kEqual && open.operands()[1].is_constant()) return false;
  if (open.kind() == Kind::kNotEqual && open.operands()[1].is_constant()) return true;
  return decide_from_two(open);
}

std::optional<bool> Context::decide_from_two(const Condition& open) {
  const Condition large = substitute(open, [](const Expression& symbol) {
    const Range range = symbol.symbol().range;
    return range.min >= 0 && range.max >= 2 ? with_range(symbol.symbol(), {std::max<int64_t>(range.min, 2), range.max})
                                            : symbol;
  });
  return unless_too_long([&] { return decide_open(large); });
}

void Context::learn(const Condition& assumed) {
  const Condition condition = with_facts(assumed);  // an earlier part of a conjunction may have changed it
  const auto in = condition.operands();
  switch (condition.kind()) {
    case Kind::kAnd:
      for (const Condition& part : in) learn(part);
      return;
    case Kind::kEqual:
      if (in[0].is_int()) learn_equal(in[0], in[1]);
      return;
    case Kind::kNotEqual:
      if (in[0].is_int()) learn_different(in[0], in[1]);
      return;
    case Kind::kLessEqual:
      if (in[0].is_int()) learn_not_negative(in[1] - in[0]);
      return;
    default:
      return;
  }
}

void Context::learn_equal(const Expression& a, const Expression& b) {
  if (a.kind() == Kind::kMod && a.operands()[1].is_constant() && b.is_constant()) {
    learn_multiple(a.operands()[0], a.operands()[1].constant(), b.constant());
    return;
  }
  const Expression difference = a - b;
  learn_not_negative(difference);
  learn_not_negative(-difference);
  const auto symbol = solvable_symbol(difference);
  if (!symbol) return;
  const int64_t coefficient = coefficient_in(difference, *symbol);
  const Expression rest = difference - Expression(coefficient) * *symbol;
  replace(*symbol, coefficient == 1 ? -rest : rest);
}

void Context::learn_different(const Expression& a, const Expression& b) {
  if (!a.is_symbol() || !b.is_constant()) return;
  const Range range = with_facts(a).range();
  if (b.constant() == range.min) narrow(a, {range.min + 1, kInfinity});
  if (b.constant() == range.max) narrow(a, {-kInfinity, range.max - 1});
}

/// difference >= 0: every symbol in it is at least (or at most) what the rest allows at its extreme.
void Context::learn_not_negative(const Expression& difference) {
  for (const Expression& term : terms_of(difference)) {
    const auto factors = factors_of(term);
    if (factors.size() != 1) continue;
    const int64_t slack = bounds(difference - term).max;
    if (slack == kInfinity || slack == -kInfinity) continue;
    const int64_t coefficient = coefficient_of(term);
    const bool from_below = coefficient > 0;
    const int64_t limit = from_below ? -floor_div(slack, coefficient) : floor_div(slack, -coefficient);
    const Expression& atom = factors[0];
    if (atom.is_symbol()) {
      narrow(atom, from_below ? Range{limit, kInfinity} : Range{-kInfinity, limit});
    } else if (atom.kind() == Kind::kFloorDiv && atom.operands()[1].is_constant()) {
      const Expression& dividend = atom.operands()[0];
      const int64_t divisor = atom.operands()[1].constant();
      const Expression edge = checked_multiply(limit, divisor);
      learn_not_negative(from_below ? dividend - edge : edge + Expression(divisor - 1) - dividend);
    }
  }
}

/// dividend % modulus == residue, which says something of a symbol when the dividend is one, plus a constant.
void Context::learn_multiple(const Expression& dividend, int64_t modulus, int64_t residue) {
  const int64_t offset = offset_of(dividend);
  const Expression symbol = dividend - Expression(offset);
  if (!symbol.is_symbol()) return;
  residue = floor_mod(residue - offset, modulus);
  const auto [found, is_new] =
      facts_.multiples.try_emplace(symbol.symbol().id, Multiple{modulus, residue, next_symbol_id()});
  if (is_new) return;
  // Two such facts are one with the least common multiple.
  Multiple& known = found->second;
  constexpr int64_t kMaxSteps = 4096;
  for (int64_t step = 0; step < std::min(modulus, kMaxSteps); ++step) {
    const int64_t candidate = known.residue + step * known.modulus;
    if (floor_mod(candidate, modulus) != residue) continue;
    known.modulus = checked_multiply(known.modulus, modulus / std::gcd(known.modulus, modulus));
    known.residue = floor_mod(candidate, known.modulus);
    return;
  }
}

void Context::narrow(const Expression& symbol, Range range) {
  const Expression current = with_facts(symbol);
  if (!current.is_symbol()) return;
  const Range narrowed = intersect(current.range(), range);
  if (narrowed == current.range() || narrowed.is_empty()) return;
  replace(current, with_range(current.symbol(), narrowed));
}

void Context::replace(const Expression& symbol, const Expression& by) {
  const auto put_in = [&](const Expression& expression) {
    return substitute(expression, [&](const Expression& other) { return other == symbol ? by : other; });
  };
  for (auto& [id, replacement] : facts_.replacements) replacement = put_in(replacement);
  facts_.replacements.insert_or_assign(symbol.symbol().id, by);
  facts_changed();
  const auto multiple = facts_.multiples.find(symbol.symbol().id);
  if (multiple == facts_.multiples.end() || by.is_symbol()) return;
  const Multiple fact = multiple->second;
  facts_.multiples.erase(multiple);
  learn_multiple(by, fact.modulus, fact.residue);
}

void Context::facts_changed() {
  has_replacements_ = !facts_.replacements.empty();
  simplified_.clear();
  decided_.clear();
  known_.clear();
  not_negative_.clear();
  for (Condition& condition : facts_.assumed) {
    condition = with_facts(condition);
    if (condition.is_constant()) continue;
    known_[condition] = true;
    known_[logical_not(condition)] = false;
    if (condition.kind() == Kind::kLessEqual && condition.operands()[0].is_int()) {
      not_negative_.push_back(condition.operands()[1] - condition.operands()[0]);
    }
  }
}

}  // namespace tracejet::symbolic
