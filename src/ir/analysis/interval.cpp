#include "ir/analysis/interval.h"

#include <algorithm>
#include <bit>

namespace tracejet::interval {

double times(double a, double b) { return a == 0 || b == 0 ? 0 : a * b; }

bool is_far(const ValueRange& a) { return a.min == a.max && a.magnitude() > 0x1p31; }

ValueRange hull(std::initializer_list<double> values, bool is_reached) {
  return {std::min(values), std::max(values), is_reached};
}

ValueRange sum(const ValueRange& a, const ValueRange& b) {
  return {a.min + b.min, a.max + b.max, a.is_reached && b.is_reached};
}

ValueRange negated(const ValueRange& a) { return {-a.max, -a.min, a.is_reached}; }

ValueRange product(const ValueRange& a, const ValueRange& b) {
  return hull({times(a.min, b.min), times(a.min, b.max), times(a.max, b.min), times(a.max, b.max)},
              (a.is_reached && b.is_reached) || is_far(a) || is_far(b));
}

ValueRange with_zero(const ValueRange& a) { return {std::min(a.min, 0.0), std::max(a.max, 0.0), a.is_reached}; }

ValueRange unreached(const ValueRange& a) { return {a.min, a.max, false}; }

double all_ones(double value) {
  if (value >= 0x1p62) return 0x1p63 - 1;
  return static_cast<double>(std::bit_ceil(static_cast<uint64_t>(value) + 1) - 1);
}

ValueRange larger(const ValueRange& a, const ValueRange& b) {
  return {std::max(a.min, b.min), std::max(a.max, b.max), a.is_reached && b.is_reached};
}

ValueRange smaller(const ValueRange& a, const ValueRange& b) {
  return {std::min(a.min, b.min), std::min(a.max, b.max), a.is_reached && b.is_reached};
}

}  // namespace tracejet::interval
