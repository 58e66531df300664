#include "symbolic/cpp_division.h"

#include "base/error.h"

namespace tracejet::symbolic {

namespace {

/// The divisor without its sign.
Expression magnitude_of_divisor(const Expression& divisor) {
  if (divisor.range().min > 0) return divisor;
  if (divisor.range().max < 0) return -divisor;
  throw UnsupportedOperator("C++ code divides by " + divisor.str() +
                            ", of which it isn't known whether it is positive; divide by its sizes");
}

}  // namespace

Expression truncated_div(const Expression& a, const Expression& b) {
  const Expression by = magnitude_of_divisor(b), zero(0);
  const Expression quotient = floor_div(max(a, zero), by) - floor_div(max(-a, zero), by);
  return by == b ? quotient : -quotient;
}

Expression truncated_mod(const Expression& a, const Expression& b) {
  const Expression by = magnitude_of_divisor(b), zero(0);
  return mod(max(a, zero), by) - mod(max(-a, zero), by);
}

}  // namespace tracejet::symbolic
