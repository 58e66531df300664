#include "symbolic/range.h"

#include <initializer_list>

namespace tracejet::symbolic {
namespace {

constexpr bool is_infinite(int64_t value) { return value == kInfinity || value == -kInfinity; }

/// One end of a sum; an end that is infinite stays so, whatever is added.
int64_t add_end(int64_t a, int64_t b, int64_t when_unbounded) {
  if (is_infinite(a) || is_infinite(b)) return when_unbounded;
  return saturated(static_cast<__int128>(a) + b);
}

/// 0 * infinity is 0: the infinite end is only approached.
int64_t multiply_ends(int64_t a, int64_t b) { return saturated(static_cast<__int128>(a) * b); }

int64_t divide_ends(int64_t a, int64_t b) {
  if (is_infinite(a)) return (a > 0) == (b > 0) ? kInfinity : -kInfinity;
  if (is_infinite(b)) return a == 0 || (a > 0) == (b > 0) ? 0 : -1;
  return floor_div(a, b);
}

Range hull(std::initializer_list<int64_t> corners) { return {std::min(corners), std::max(corners)}; }

}  // namespace

std::string in_words(const Range& range) {
  if (range.max == kInfinity) return std::to_string(range.min) + " or more";
  return std::to_string(range.min) + " to " + std::to_string(range.max);
}

Range operator+(const Range& a, const Range& b) {
  return {add_end(a.min, b.min, -kInfinity), add_end(a.max, b.max, kInfinity)};
}

Range operator*(const Range& a, const Range& b) {
  return hull({multiply_ends(a.min, b.min), multiply_ends(a.min, b.max), multiply_ends(a.max, b.min),
               multiply_ends(a.max, b.max)});
}

Range operator-(const Range& a) { return {-a.max, -a.min}; }

Range floor_div(const Range& a, const Range& b) {
  // A divisor of 0 raises, so what lies on both sides of it counts.
  const auto quotients = [&a](const Range& divisor) {
    return hull({divide_ends(a.min, divisor.min), divide_ends(a.min, divisor.max), divide_ends(a.max, divisor.min),
                 divide_ends(a.max, divisor.max)});
  };
  const Range positive = intersect(b, {1, kInfinity});
  const Range negative = intersect(b, {-kInfinity, -1});
  if (positive.is_empty() && negative.is_empty()) return Range::all();
  if (positive.is_empty()) return quotients(negative);
  if (negative.is_empty()) return quotients(positive);
  return unite(quotients(positive), quotients(negative));
}

Range mod(const Range& a, const Range& b) {
  Range result{0, 0};
  if (b.max > 0) {
    result.max = is_infinite(b.max) ? kInfinity : b.max - 1;
    if (a.min >= 0) result.max = std::min(result.max, a.max);
  }
  if (b.min < 0) {
    result.min = is_infinite(b.min) ? -kInfinity : b.min + 1;
    if (a.max <= 0) result.min = std::max(result.min, a.min);
  }
  return result;
}

Range min(const Range& a, const Range& b) { return {std::min(a.min, b.min), std::min(a.max, b.max)}; }
Range max(const Range& a, const Range& b) { return {std::max(a.min, b.min), std::max(a.max, b.max)}; }

}  // namespace tracejet::symbolic
