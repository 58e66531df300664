// The normal form of integer sums and products: a polynomial over atoms with integer coefficients.
#include <algorithm>

#include "base/error.h"
#include "symbolic/node.h"

namespace tracejet::symbolic {
namespace {

/// Beyond so many terms a product of sums stays a product: shapes never get there, adversarial loops do.
constexpr size_t kMaxTerms = 512;

[[noreturn]] void overflow(const char* operation, int64_t a, int64_t b) {
  throw Error("integer overflow in a symbolic expression: " + std::to_string(a) + " " + operation + " " +
                  std::to_string(b) + " doesn't fit in 64 bits",
              ErrorCode::kSizeArithmetic);
}

bool same_monomial(const Expression& a, const Expression& b) {
  const auto left = factors_of(a);
  const auto right = factors_of(b);
  return left.size() == right.size() && std::equal(left.begin(), left.end(), right.begin());
}

bool comes_before(const Expression& a, const Expression& b) { return compare_terms(a, b) < 0; }

/// Adds up terms that are sorted.
Expression combine(std::vector<Expression> terms) {
  std::vector<Expression> result;
  std::vector<Expression> unsettled;  // sums that a combined term turned into
  result.reserve(terms.size());
  for (size_t i = 0; i < terms.size();) {
    size_t end = i + 1;
    int64_t coefficient = coefficient_of(terms[i]);
    while (end < terms.size() && same_monomial(terms[i], terms[end])) {
      coefficient = checked_add(coefficient, coefficient_of(terms[end++]));
    }
    if (end == i + 1) {
      if (coefficient != 0) result.push_back(terms[i]);
    } else if (coefficient != 0) {
      const auto factors = factors_of(terms[i]);
      Expression term = make_term(coefficient, {factors.begin(), factors.end()});
      const bool settled = term.kind() != Kind::kSum && same_monomial(term, terms[i]);
      (settled ? result : unsettled).push_back(std::move(term));
    }
    i = end;
  }
  if (!unsettled.empty()) {
    unsettled.insert(unsettled.end(), result.begin(), result.end());
    return sum(unsettled);
  }
  if (result.empty()) return Expression(0);
  if (result.size() == 1) return result.front();
  return make(Kind::kSum, Type::kInt, std::move(result));
}

/// c * d * (x // d) is c * (x - x % d): without this rule the same size would have two forms.
std::optional<Expression> without_quotient(int64_t coefficient, const std::vector<Expression>& factors) {
  for (size_t i = 0; i < factors.size(); ++i) {
    if (factors[i].kind() != Kind::kFloorDiv) continue;
    const Expression& dividend = factors[i].operands()[0];
    const Expression& divisor = factors[i].operands()[1];
    if (divisor.kind() == Kind::kSum || coefficient % coefficient_of(divisor) != 0) continue;
    std::vector<Expression> rest = factors;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
    bool divides = true;
    for (const Expression& factor : factors_of(divisor)) {
      const auto found = std::find(rest.begin(), rest.end(), factor);
      divides = divides && found != rest.end();
      if (!divides) break;
      rest.erase(found);
    }
    if (divides) {
      return make_term(coefficient / coefficient_of(divisor), std::move(rest)) * (dividend - mod(dividend, divisor));
    }
  }
  return std::nullopt;
}

}  // namespace

int64_t checked_add(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) overflow("+", a, b);
  return result;
}

int64_t checked_multiply(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) overflow("*", a, b);
  return result;
}

std::span<const Expression> terms_of(const Expression& expression) {
  if (expression.kind() == Kind::kSum) return expression.operands();
  if (expression.is_constant(0)) return {};
  return {&expression, 1};
}

std::span<const Expression> factors_of(const Expression& term) {
  if (term.kind() == Kind::kProduct) return term.operands();
  if (term.is_constant()) return {};
  return {&term, 1};
}

int64_t coefficient_of(const Expression& term) { return term.is_constant() ? term.constant() : term.coefficient(); }

int64_t offset_of(const Expression& expression) {
  const auto terms = terms_of(expression);
  return !terms.empty() && terms.back().is_constant() ? terms.back().constant() : 0;
}

std::strong_ordering compare_terms(const Expression& a, const Expression& b) {
  const auto left = factors_of(a);
  const auto right = factors_of(b);
  if (auto order = right.size() <=> left.size(); order != 0) return order;
  for (size_t i = 0; i < left.size(); ++i) {
    if (auto order = compare(left[i], right[i]); order != 0) return order;
  }
  return std::strong_ordering::equal;
}

Expression make_term(int64_t coefficient, std::vector<Expression> factors) {
  if (coefficient == 0) return Expression(0);
  if (factors.empty()) return Expression(coefficient);
  if (factors.size() == 1 && factors.front().kind() == Kind::kSum) return Expression(coefficient) * factors.front();
  std::sort(factors.begin(), factors.end(), [](const auto& a, const auto& b) { return compare(a, b) < 0; });
  if (auto rewritten = without_quotient(coefficient, factors)) return *rewritten;
  if (coefficient == 1 && factors.size() == 1) return factors.front();
  return make(Kind::kProduct, Type::kInt, std::move(factors), coefficient);
}

Expression map_coefficients(const Expression& expression, const std::function<int64_t(int64_t)>& change) {
  std::vector<Expression> terms;
  for (const Expression& term : terms_of(expression)) {
    const auto factors = factors_of(term);
    terms.push_back(make_term(change(coefficient_of(term)), {factors.begin(), factors.end()}));
  }
  return sum(terms);
}

Expression sum(std::span<const Expression> parts) {
  std::vector<Expression> terms;
  for (const Expression& part : parts) {
    const auto more = terms_of(part);
    terms.insert(terms.end(), more.begin(), more.end());
  }
  std::stable_sort(terms.begin(), terms.end(), comes_before);
  return combine(std::move(terms));
}

Expression operator+(const Expression& a, const Expression& b) {
  if (a.is_constant() && b.is_constant()) return checked_add(a.constant(), b.constant());
  if (a.is_constant(0)) return b;
  if (b.is_constant(0)) return a;
  const auto left = terms_of(a);
  const auto right = terms_of(b);
  std::vector<Expression> terms;
  terms.reserve(left.size() + right.size());
  std::merge(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(terms), comes_before);
  return combine(std::move(terms));
}

Expression operator-(const Expression& a) { return Expression(-1) * a; }

Expression operator-(const Expression& a, const Expression& b) {
  if (a.node().hash == b.node().hash && a == b) return 0;
  return a + -b;
}

Expression operator*(const Expression& a, const Expression& b) {
  if (a.is_constant() && b.is_constant()) return checked_multiply(a.constant(), b.constant());
  if (a.is_constant(1) || b.is_constant(0)) return b;
  if (b.is_constant(1) || a.is_constant(0)) return a;
  const auto left = terms_of(a);
  const auto right = terms_of(b);
  if (left.size() > 1 && right.size() > 1 && left.size() * right.size() > kMaxTerms) return make_term(1, {a, b});
  std::vector<Expression> terms;
  terms.reserve(left.size() * right.size());
  for (const Expression& x : left) {
    for (const Expression& y : right) {
      const auto xs = factors_of(x);
      const auto ys = factors_of(y);
      std::vector<Expression> factors(xs.begin(), xs.end());
      factors.insert(factors.end(), ys.begin(), ys.end());
      terms.push_back(make_term(checked_multiply(coefficient_of(x), coefficient_of(y)), std::move(factors)));
    }
  }
  return terms.size() == 1 ? terms.front() : sum(terms);
}

Expression power(const Expression& base, const Expression& exponent) {
  constexpr int64_t kMaxExpanded = 64;
  if (exponent.is_constant()) {
    const int64_t times = exponent.constant();
    if (times < 0) throw InvalidInput("an integer power needs an exponent >= 0, got " + std::to_string(times));
    if (base.is_constant(0) || base.is_constant(1)) return times == 0 ? Expression(1) : base;
    if (base.is_constant(-1)) return times % 2 == 0 ? 1 : -1;
    if (base.is_constant() || times <= kMaxExpanded) {
      Expression result = 1;
      for (int64_t i = 0; i < times; ++i) result = result * base;
      return result;
    }
  }
  if (base.is_constant(1)) return 1;
  return make(Kind::kPower, Type::kInt, {base, exponent});
}

}  // namespace tracejet::symbolic
