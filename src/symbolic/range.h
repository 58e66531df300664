#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

namespace tracejet::symbolic {

/// Stands for "no bound" in a Range; everything saturates there.
inline constexpr int64_t kInfinity = std::numeric_limits<int64_t>::max();

/// The nearest value that a Range can hold.
constexpr int64_t saturated(__int128 value) {
  if (value >= kInfinity) return kInfinity;
  if (value <= -kInfinity) return -kInfinity;
  return static_cast<int64_t>(value);
}

/// What an integer expression can be: every value from `min` to `max`, both included.
struct Range {
  int64_t min = -kInfinity;
  int64_t max = kInfinity;

  static constexpr Range of(int64_t value) { return {saturated(value), saturated(value)}; }
  static constexpr Range all() { return {}; }

  constexpr bool contains(int64_t value) const { return min <= value && value <= max; }
  constexpr bool is_single() const { return min == max && min != kInfinity && min != -kInfinity; }
  constexpr bool is_empty() const { return min > max; }
  friend constexpr bool operator==(const Range&, const Range&) = default;
};

constexpr Range intersect(const Range& a, const Range& b) { return {std::max(a.min, b.min), std::min(a.max, b.max)}; }
constexpr Range unite(const Range& a, const Range& b) { return {std::min(a.min, b.min), std::max(a.max, b.max)}; }

/// "1 to 16", "2 or more".
std::string in_words(const Range& range);

Range operator+(const Range& a, const Range& b);
Range operator*(const Range& a, const Range& b);
Range operator-(const Range& a);
Range floor_div(const Range& a, const Range& b);
Range mod(const Range& a, const Range& b);
Range min(const Range& a, const Range& b);
Range max(const Range& a, const Range& b);

/// Division and remainder of Python: rounded toward negative infinity, the remainder has the divisor's sign.
constexpr int64_t floor_div(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}
constexpr int64_t floor_mod(int64_t a, int64_t b) {
  const int64_t remainder = a % b;
  return remainder + (remainder != 0 && (remainder < 0) != (b < 0) ? b : 0);
}

}  // namespace tracejet::symbolic
