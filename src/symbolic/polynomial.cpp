// Division of polynomials, which decides most divisions of sizes by sizes.
#include <algorithm>
#include <numeric>

#include "symbolic/node.h"

namespace tracejet::symbolic {
namespace {

/// What is left of `term` after the factors (and the coefficient) of `divisor` are taken out.
std::optional<Expression> term_quotient(const Expression& term, const Expression& divisor) {
  if (coefficient_of(term) % coefficient_of(divisor) != 0) return std::nullopt;
  const auto factors = factors_of(term);
  std::vector<Expression> rest(factors.begin(), factors.end());
  for (const Expression& factor : factors_of(divisor)) {
    const auto found = std::find(rest.begin(), rest.end(), factor);
    if (found == rest.end()) return std::nullopt;
    rest.erase(found);
  }
  return make_term(coefficient_of(term) / coefficient_of(divisor), std::move(rest));
}

}  // namespace

Division divide(const Expression& a, const Expression& divisor) {
  constexpr int kMaxSteps = 64;
  Division result{0, 0};
  const auto divisor_terms = terms_of(divisor);
  Expression left = a;
  for (int step = 0; step < kMaxSteps && !left.is_constant(0); ++step) {
    const Expression leading = terms_of(left).front();
    if (auto quotient = term_quotient(leading, divisor_terms.front())) {
      result.quotient = result.quotient + *quotient;
      left = left - *quotient * divisor;
      continue;
    }
    result.remainder = result.remainder + leading;
    left = left - leading;
  }
  result.remainder = result.remainder + left;
  return result;
}

std::optional<Expression> exact_quotient(const Expression& a, const Expression& divisor) {
  if (a.is_constant(0)) return a;
  if (divisor.is_constant(0)) return std::nullopt;
  Division result = divide(a, divisor);
  if (!result.remainder.is_constant(0)) return std::nullopt;
  return result.quotient;
}

Expression common_factor(const Expression& a, const Expression& b) {
  std::vector<Expression> terms(terms_of(a).begin(), terms_of(a).end());
  terms.insert(terms.end(), terms_of(b).begin(), terms_of(b).end());
  int64_t coefficient = 0;
  for (const Expression& term : terms) coefficient = std::gcd(coefficient, coefficient_of(term));
  std::vector<Expression> common(factors_of(terms.front()).begin(), factors_of(terms.front()).end());
  for (const Expression& term : terms) {
    const auto factors = factors_of(term);
    std::vector<Expression> shared;
    std::set_intersection(common.begin(), common.end(), factors.begin(), factors.end(), std::back_inserter(shared),
                          [](const Expression& x, const Expression& y) { return compare(x, y) < 0; });
    common = std::move(shared);
  }
  if (coefficient == 0) coefficient = 1;
  return make_term(coefficient, std::move(common));
}

}  // namespace tracejet::symbolic
