// Floor division and modulo. Every rule holds for all integers, not only for sizes, unless it asks for a range.
#include <numeric>

#include "base/error.h"
#include "symbolic/node.h"

namespace tracejet::symbolic {
namespace {

[[noreturn]] void division_by_zero(const Expression& dividend, const char* operation) {
  throw InvalidInput("integer division by zero: " + dividend.str() + operation + "0", ErrorCode::kDivisionByZero);
}

bool leads_negative(const Expression& a) { return !a.is_constant(0) && coefficient_of(terms_of(a).front()) < 0; }

/// The quotient, if it is the same for every value that `a` and `b` can have.
std::optional<int64_t> known_quotient(const Expression& a, const Expression& b) {
  const Range quotient = floor_div(a.range(), b.range());
  if (quotient.is_single() && (b.range().min > 0 || b.range().max < 0)) return quotient.min;
  return std::nullopt;
}

int64_t gcd_of_coefficients(const Expression& a, int64_t start) {
  for (const Expression& term : terms_of(a)) {
    if (!term.is_constant()) start = std::gcd(start, coefficient_of(term));
  }
  return start;
}

Expression divide_by_constant(const Expression& a, int64_t divisor);

/// (x // d + y) // c is (x + d * y) // (d * c): chains of strided layers become one division.
std::optional<Expression> unnested(const Expression& a, int64_t divisor) {
  const Expression* inner = nullptr;
  for (const Expression& term : terms_of(a)) {
    const bool is_quotient = term.kind() == Kind::kFloorDiv && term.operands()[1].is_constant();
    const auto factors = factors_of(term);
    for (const Expression& factor : factors) {
      if (factor.kind() == Kind::kFloorDiv && (inner != nullptr || !is_quotient)) return std::nullopt;
    }
    if (is_quotient) inner = &term;
  }
  if (inner == nullptr) return std::nullopt;
  const int64_t inner_divisor = inner->operands()[1].constant();
  int64_t product = 0;
  if (__builtin_mul_overflow(inner_divisor, divisor, &product)) return std::nullopt;
  return divide_by_constant(inner->operands()[0] + Expression(inner_divisor) * (a - *inner), product);
}

/// (k * (x - x % d) + y) // c is (k * d * (x // d) + y) // c, which may cancel: 4 * (s // 4) // 4 is s // 4.
std::optional<Expression> with_quotient(const Expression& a, int64_t divisor) {
  for (const Expression& term : terms_of(a)) {
    const auto factors = factors_of(term);
    if (factors.size() != 1 || factors[0].kind() != Kind::kMod || !factors[0].operands()[1].is_constant()) continue;
    const Expression& dividend = factors[0].operands()[0];
    const int64_t modulus = factors[0].operands()[1].constant();
    const int64_t scale = -coefficient_of(term);
    const Expression rest = a - term - Expression(scale) * dividend;
    if (terms_of(rest).size() + 1 >= terms_of(a).size()) continue;
    const int64_t multiple = checked_multiply(scale, modulus);
    const int64_t common = std::gcd(multiple, gcd_of_coefficients(rest, divisor));
    if (common == 1 || multiple / common % modulus == 0) continue;
    const Expression quotient = divide_by_constant(dividend, modulus);
    const Expression reduced = map_coefficients(rest, [common](int64_t value) { return floor_div(value, common); });
    return divide_by_constant(Expression(multiple / common) * quotient + reduced, divisor / common);
  }
  return std::nullopt;
}

Expression divide_by_constant(const Expression& a, int64_t divisor) {
  if (divisor == 1) return a;
  if (divisor < 0) return divide_by_constant(-a, checked_multiply(divisor, -1));
  if (a.is_constant()) return floor_div(a.constant(), divisor);
  if (auto quotient = known_quotient(a, divisor)) return *quotient;
  if (auto simpler = with_quotient(a, divisor)) return *simpler;

  std::vector<Expression> quotients;
  std::vector<Expression> remainders;
  for (const Expression& term : terms_of(a)) {
    const int64_t coefficient = coefficient_of(term);
    const auto factors = factors_of(term);
    // The constant's remainder is made positive, so that (s - 1) // 2 and (s + 1) // 2 - 1 are one form; other
    // coefficients keep their sign, because s - t reads better than s + 3 * t.
    const int64_t quotient = term.is_constant() ? floor_div(coefficient, divisor) : coefficient / divisor;
    quotients.push_back(make_term(quotient, {factors.begin(), factors.end()}));
    remainders.push_back(make_term(coefficient - quotient * divisor, {factors.begin(), factors.end()}));
  }
  const Expression whole = sum(quotients);
  const Expression rest = sum(remainders);
  if (!whole.is_constant(0)) return whole + divide_by_constant(rest, divisor);
  if (leads_negative(rest)) return -divide_by_constant(-rest + Expression(divisor - 1), divisor);
  if (const int64_t common = gcd_of_coefficients(rest, divisor); common > 1) {
    const auto reduced = map_coefficients(rest, [common](int64_t value) { return floor_div(value, common); });
    return divide_by_constant(reduced, divisor / common);
  }
  if (auto flat = unnested(rest, divisor)) return *flat;
  if (rest.kind() == Kind::kFloorDiv && rest.operands()[1].range().min > 0) {
    return floor_div(rest.operands()[0], rest.operands()[1] * Expression(divisor));
  }
  return make(Kind::kFloorDiv, Type::kInt, {rest, divisor});
}

/// Long division pays when the divisor is one term, or when it leaves less than there was.
std::optional<Division> useful_division(const Expression& a, const Expression& b) {
  Division division = divide(a, b);
  if (division.quotient.is_constant(0)) return std::nullopt;
  if (b.kind() == Kind::kSum && terms_of(division.remainder).size() >= terms_of(a).size()) return std::nullopt;
  return division;
}

/// Whether 0 <= a < b whatever the symbols are.
bool is_proper_fraction(const Expression& a, const Expression& b) {
  return a.range().min >= 0 && (a.range().max < b.range().min || is_never_negative(b - a - Expression(1)));
}

Expression divide_by_expression(const Expression& a, const Expression& b) {
  if (a.is_constant(0)) return 0;
  if (leads_negative(b)) return floor_div(-a, -b);
  if (auto quotient = known_quotient(a, b)) return *quotient;
  if (auto division = useful_division(a, b)) return division->quotient + floor_div(division->remainder, b);
  if (const Expression common = common_factor(a, b); !common.is_constant(1)) {
    return floor_div(*exact_quotient(a, common), *exact_quotient(b, common));
  }
  if (is_proper_fraction(a, b)) return 0;
  if (leads_negative(a) && b.kind() != Kind::kSum && b.range().min > 0) return -floor_div(-a + b - Expression(1), b);
  if (a.kind() == Kind::kFloorDiv && a.operands()[1].range().min > 0 && b.range().min > 0) {
    return floor_div(a.operands()[0], a.operands()[1] * b);
  }
  return make(Kind::kFloorDiv, Type::kInt, {a, b});
}

/// k * (x % m) is k * x as long as only multiples of c are lost: c divides k * m.
std::optional<Expression> without_inner_mod(const Expression& a, int64_t modulus) {
  for (const Expression& term : terms_of(a)) {
    const auto factors = factors_of(term);
    if (factors.size() != 1 || factors[0].kind() != Kind::kMod || !factors[0].operands()[1].is_constant()) continue;
    const int64_t inner = factors[0].operands()[1].constant();
    if (floor_mod(static_cast<__int128>(coefficient_of(term)) * inner % modulus, modulus) != 0) continue;
    return a - term + Expression(coefficient_of(term)) * factors[0].operands()[0];
  }
  return std::nullopt;
}

Expression mod_constant(const Expression& a, int64_t modulus) {
  if (modulus == 1) return 0;
  if (modulus < 0) return -mod_constant(-a, checked_multiply(modulus, -1));
  if (a.is_constant()) return floor_mod(a.constant(), modulus);
  if (auto quotient = known_quotient(a, modulus)) return a - Expression(checked_multiply(*quotient, modulus));
  if (auto simpler = without_inner_mod(a, modulus)) return mod_constant(*simpler, modulus);
  const auto rest = map_coefficients(a, [modulus](int64_t value) { return floor_mod(value, modulus); });
  if (!(rest == a)) return mod_constant(rest, modulus);
  if (const int64_t common = gcd_of_coefficients(rest, modulus); common > 1) {
    const auto reduced = map_coefficients(rest, [common](int64_t value) { return floor_div(value, common); });
    return Expression(common) * mod_constant(reduced, modulus / common) + Expression(offset_of(rest) % common);
  }
  return make(Kind::kMod, Type::kInt, {rest, modulus});
}

Expression mod_expression(const Expression& a, const Expression& b) {
  if (a.is_constant(0)) return 0;
  if (leads_negative(b)) return -mod(-a, -b);
  if (auto quotient = known_quotient(a, b)) return a - Expression(*quotient) * b;
  if (auto division = useful_division(a, b)) return mod(division->remainder, b);
  if (const Expression common = common_factor(a, b); !common.is_constant(1)) {
    return common * mod(*exact_quotient(a, common), *exact_quotient(b, common));
  }
  if (is_proper_fraction(a, b)) return a;
  return make(Kind::kMod, Type::kInt, {a, b});
}

}  // namespace

Expression floor_div(const Expression& a, const Expression& b) {
  if (b.is_constant(0)) division_by_zero(a, " // ");
  return b.is_constant() ? divide_by_constant(a, b.constant()) : divide_by_expression(a, b);
}

Expression ceil_div(const Expression& a, const Expression& b) { return -floor_div(-a, b); }

Expression mod(const Expression& a, const Expression& b) {
  if (b.is_constant(0)) division_by_zero(a, " % ");
  return b.is_constant() ? mod_constant(a, b.constant()) : mod_expression(a, b);
}

}  // namespace tracejet::symbolic
