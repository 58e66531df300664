// Bounds of sums whose terms depend on each other: s - s // 2 >= 1, (s - 1) * t >= 0, max(s, t) - t >= 0.
#include <algorithm>

#include "base/error.h"
#include "symbolic/node.h"
#include "symbolic/steps.h"

namespace tracejet::symbolic {
namespace {

class Bounder {
 public:
  /// A value that `sum` never falls below.
  int64_t lower(const Expression& sum, int depth) {
    int64_t best = sum.range().min;
    if (sum.kind() != Kind::kSum || depth == 0 || --budget_ < 0 || steps_done() > most_steps_) return best;
    for (const Expression& term : sum.operands()) {
      const auto factors = factors_of(term);
      if (factors.size() != 1 || !can_be_replaced(factors[0])) continue;
      best = std::max(best, without(factors[0], coefficient_of(term), sum - term, depth - 1));
    }
    return std::max(best, monotone(sum, depth - 1));
  }

 private:
  static bool can_be_replaced(const Expression& atom) {
    return atom.kind() == Kind::kMin || atom.kind() == Kind::kMax || atom.kind() == Kind::kFloorDiv ||
           atom.kind() == Kind::kMod;
  }

  /// A lower bound of rest + coefficient * atom, with the atom replaced by something linear that bounds it.
  int64_t without(const Expression& atom, int64_t coefficient, const Expression& rest, int depth) {
    const auto replaced = [&](const Expression& bound) { return lower(rest + Expression(coefficient) * bound, depth); };
    switch (atom.kind()) {
      case Kind::kMin:
      case Kind::kMax: {
        // max(a, b) is at least each, so one that suffices will do; at most one of them, so all have to.
        const bool one_suffices = (atom.kind() == Kind::kMax) == (coefficient > 0);
        int64_t best = one_suffices ? -kInfinity : kInfinity;
        for (const Expression& operand : atom.operands()) {
          const int64_t bound = replaced(operand);
          best = one_suffices ? std::max(best, bound) : std::min(best, bound);
        }
        return best;
      }
      case Kind::kFloorDiv: {
        const Expression& divisor = atom.operands()[1];
        if (!divisor.is_constant()) return -kInfinity;
        // a - (c - 1) <= c * (a // c) <= a
        const int64_t slack = coefficient > 0 ? divisor.constant() - 1 : 0;
        const Expression scaled = atom.operands()[0] - Expression(slack);
        const int64_t bound = lower(divisor * rest + Expression(coefficient) * scaled, depth);
        return bound == -kInfinity || bound == kInfinity ? -kInfinity : -floor_div(-bound, divisor.constant());
      }
      case Kind::kMod: {
        // a % b < b, and a % b <= a for an a that isn't negative
        if (coefficient > 0 || atom.operands()[1].range().min <= 0) return -kInfinity;
        int64_t best = -kInfinity;
        if (!atom.operands()[1].is_constant()) best = replaced(atom.operands()[1] - Expression(1));
        if (atom.operands()[0].range().min >= 0) best = std::max(best, replaced(atom.operands()[0]));
        return best;
      }
      default:
        return -kInfinity;
    }
  }

  /// The sum with an atom at one end of its range, for an atom in which the sum only rises or only falls.
  int64_t monotone(const Expression& sum, int depth) {
    std::vector<Expression> atoms;
    for (const Expression& term : sum.operands()) {
      for (const Expression& factor : factors_of(term)) {
        if (std::find(atoms.begin(), atoms.end(), factor) == atoms.end()) atoms.push_back(factor);
      }
    }
    int64_t best = -kInfinity;
    for (const Expression& atom : atoms) {
      if (occurrences(sum, atom) < 2) continue;
      const std::vector<Monomial> slope = derivative(sum, atom);
      // The atom moves to its end while the others stay, so what relates it to them (2 * (s // 2) = s - s % 2) must not
      // be used, as adding up the terms would.
      const bool bends = std::any_of(slope.begin(), slope.end(), [&](const Monomial& part) {
        return std::find(part.factors.begin(), part.factors.end(), atom) != part.factors.end();
      });
      const Range independent = term_by_term(slope);
      const bool rises = independent.min >= 0 || (!bends && lower(added(slope, 1), depth) >= 0);
      const bool falls = !rises && (independent.max <= 0 || (!bends && lower(added(slope, -1), depth) >= 0));
      const int64_t end = rises ? atom.range().min : falls ? atom.range().max : kInfinity;
      if (end == kInfinity || end == -kInfinity) continue;
      best = std::max(best, lower(with(sum, atom, end), depth));
    }
    return best;
  }

  /// A term as it stands: made into an expression, it may become something else that has the same values.
  struct Monomial {
    int64_t coefficient;
    std::vector<Expression> factors;
  };

  /// The range when every atom may have any value of its own.
  static Range term_by_term(const std::vector<Monomial>& terms) {
    Range range{0, 0};
    for (const Monomial& term : terms) {
      Range product = Range::of(term.coefficient);
      for (const Expression& factor : term.factors) product = product * factor.range();
      range = range + product;
    }
    return range;
  }

  static Expression added(const std::vector<Monomial>& terms, int64_t scale) {
    std::vector<Expression> expressions;
    for (const Monomial& term : terms) {
      expressions.push_back(make_term(checked_multiply(term.coefficient, scale), term.factors));
    }
    return symbolic::sum(expressions);
  }

  static size_t occurrences(const Expression& sum, const Expression& atom) {
    const auto terms = terms_of(sum);
    return static_cast<size_t>(std::count_if(terms.begin(), terms.end(), [&](const auto& term) {
      const auto factors = factors_of(term);
      return std::find(factors.begin(), factors.end(), atom) != factors.end();
    }));
  }

  static std::vector<Monomial> derivative(const Expression& sum, const Expression& atom) {
    std::vector<Monomial> terms;
    for (const Expression& term : sum.operands()) {
      std::vector<Expression> factors(factors_of(term).begin(), factors_of(term).end());
      const auto degree = std::count(factors.begin(), factors.end(), atom);
      if (degree == 0) continue;
      factors.erase(std::find(factors.begin(), factors.end(), atom));
      terms.push_back({checked_multiply(coefficient_of(term), degree), std::move(factors)});
    }
    return terms;
  }

  /// Replaces the atom as a factor only: inside other atoms it stays, they are bounded on their own.
  static Expression with(const Expression& sum, const Expression& atom, int64_t value) {
    std::vector<Expression> terms;
    for (const Expression& term : sum.operands()) {
      std::vector<Expression> factors(factors_of(term).begin(), factors_of(term).end());
      int64_t coefficient = coefficient_of(term);
      for (auto found = std::find(factors.begin(), factors.end(), atom); found != factors.end();
           found = std::find(factors.begin(), factors.end(), atom)) {
        coefficient = checked_multiply(coefficient, value);
        factors.erase(found);
      }
      terms.push_back(make_term(coefficient, std::move(factors)));
    }
    return symbolic::sum(terms);
  }

  int budget_ = 128;
  uint64_t most_steps_ = steps_done() + StepLimit::kBound;
};

int64_t lower_bound(const Expression& expression) {
  constexpr int kDepth = 5;
  const StepLimit limit(2 * StepLimit::kBound);  // of one step that explodes; see most_steps_
  try {
    return Bounder().lower(expression, kDepth);
  } catch (const Error&) {  // coefficients out of 64 bits on the way, or too many steps: no better bound is known
    return expression.range().min;
  }
}

}  // namespace

Range bounds(const Expression& expression) {
  const Range range = expression.range();
  if (expression.kind() != Kind::kSum) return range;
  return {lower_bound(expression), -lower_bound(-expression)};
}

bool is_never_negative(const Expression& expression) {
  if (expression.range().min >= 0) return true;
  if (expression.kind() != Kind::kSum || expression.range().max < 0) return false;
  const Node& node = expression.node();
  if (node.has_hint && node.hint_is_possible && node.hint < 0) return false;
  return lower_bound(expression) >= 0;
}

}  // namespace tracejet::symbolic
