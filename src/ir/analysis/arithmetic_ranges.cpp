// Ranges of what is computed from numbers in the same place.
#include <cmath>

#include "ir/analysis/interval.h"
#include "ir/analysis/value_range_rules.h"

namespace tracejet {

namespace {

using interval::all_ones;
using interval::hull;
using interval::is_far;
using interval::larger;
using interval::negated;
using interval::product;
using interval::smaller;
using interval::sum;
using interval::unreached;
using interval::with_zero;

constexpr double kAdded = 1 << 16;
constexpr double kMaxSize = 0x1p31 - 1;
ValueRange add(const RangeQuery& query) {
  const auto alpha = query.optional("alpha").value_or(ValueRange::of(1));
  return sum(query.of("self"), product(query.of("other"), alpha));
}

ValueRange subtract(const RangeQuery& query) {
  const auto alpha = query.optional("alpha").value_or(ValueRange::of(1));
  return sum(query.of("self"), negated(product(query.of("other"), alpha)));
}

ValueRange subtract_reversed(const RangeQuery& query) {
  const auto alpha = query.optional("alpha").value_or(ValueRange::of(1));
  return sum(query.of("other"), negated(product(query.of("self"), alpha)));
}

ValueRange multiply(const RangeQuery& query) { return product(query.of("self"), query.of("other")); }
ValueRange negate(const RangeQuery& query) { return negated(query.of("self")); }

ValueRange absolute(const RangeQuery& query) {
  const ValueRange a = query.of("self");
  if (a.min >= 0) return a;
  return {a.max <= 0 ? -a.max : 0, a.magnitude(), a.is_reached};
}

ValueRange sign(const RangeQuery&) { return {-1, 1}; }

ValueRange bitwise_not(const RangeQuery& query) {
  const ValueRange a = query.of("self");
  return {-a.max - 1, -a.min - 1, a.is_reached};
}

ValueRange divide(const RangeQuery& query) {
  const ValueRange a = query.of("self"), b = query.of("other");
  const bool may_be_zero = b.min <= 0 && b.max >= 0;
  if (!is_integral(query.dtype())) {
    if (may_be_zero) return {};
    return unreached(hull({a.min / b.min, a.min / b.max, a.max / b.min, a.max / b.max}, false));
  }
  // Not further from 0 than the dividend, but for -1 // 2.
  const double largest = a.magnitude();
  if (may_be_zero) return {a.min >= 0 && b.min >= 0 ? 0 : -largest, largest};
  const double nearest = std::min(std::abs(b.min), std::abs(b.max));
  const ValueRange all{-std::ceil(largest / nearest), std::floor(largest / nearest)};
  return a.min >= 0 && b.min > 0 ? ValueRange{0, all.max} : ValueRange{all.min, std::max(-all.min, all.max)};
}

ValueRange remainder(const RangeQuery& query) {
  const ValueRange a = query.of("self"), b = query.of("other");
  if (a.min >= 0 && b.min > 0 && a.max < b.min) return a;
  const double step = is_integral(query.dtype()) ? 1 : 0;
  return {std::min(b.min + step, 0.0), std::max(b.max - step, 0.0)};
}

ValueRange c_remainder(const RangeQuery& query) {
  const ValueRange a = query.of("self"), b = query.of("other");
  const double limit = std::min(std::max(b.magnitude() - (is_integral(query.dtype()) ? 1 : 0), 0.0), a.magnitude());
  return {a.min >= 0 ? 0 : -limit, a.max <= 0 ? 0 : limit};
}

ValueRange maximum(const RangeQuery& query) { return larger(query.of("self"), query.of("other")); }
ValueRange minimum(const RangeQuery& query) { return smaller(query.of("self"), query.of("other")); }

ValueRange clamp(const RangeQuery& query) {
  ValueRange range = query.of("self");
  // A bound that none of its data exceeds needn't be reached by it, but what lies within is.
  if (const auto low = query.optional(query.call.declares("min_val") ? "min_val" : "min")) {
    range = {std::max(range.min, low->min), std::max(range.max, low->max), range.is_reached};
  }
  if (const auto high = query.optional(query.call.declares("max_val") ? "max_val" : "max")) {
    range = {std::min(range.min, high->min), std::min(range.max, high->max), range.is_reached};
  }
  return range;
}

ValueRange relu(const RangeQuery& query) { return larger(query.of("self"), ValueRange::of(0)); }
ValueRange unit(const RangeQuery&) { return {0, 1}; }
ValueRange plus_minus_one(const RangeQuery&) { return {-1, 1}; }

template <double (*Round)(double)>
ValueRange rounded(const RangeQuery& query) {
  const ValueRange a = query.of("self");
  return {Round(a.min), Round(a.max), a.is_reached};
}

ValueRange power(const RangeQuery& query) {
  const ValueRange a = query.of("self");
  const ValueRange k = query.as_given("exponent");
  if (k.min != k.max || k.min < 0 || k.min != std::floor(k.min)) {
    if (a.min < 0 || k.min < 0) return {};
    return {0, std::max(1.0, std::pow(std::max(a.max, 1.0), k.max))};
  }
  const ValueRange corners = hull({std::pow(a.min, k.min), std::pow(a.max, k.min)}, a.is_reached && k.is_reached);
  const bool is_even = std::fmod(k.min, 2) == 0;
  return is_even && a.min < 0 && a.max > 0 ? with_zero(corners) : corners;
}

ValueRange shift_left(const RangeQuery& query) {
  const ValueRange a = query.of("self"), by = query.as_given("other");
  const ValueRange factor{0, std::exp2(std::clamp(by.max, 0.0, 63.0)), by.is_reached};
  return with_zero(product(a, factor));
}

ValueRange shift_right(const RangeQuery& query) {
  const ValueRange a = query.of("self");
  return unreached({std::min(a.min, a.min < 0 ? -1.0 : 0.0), std::max(a.max, 0.0)});
}

ValueRange bitwise_and(const RangeQuery& query) {
  const ValueRange a = query.of("self"), b = query.of("other");
  if (a.min >= 0 && b.min >= 0) return {0, std::min(a.max, b.max)};
  if (a.min >= 0) return {0, a.max};
  if (b.min >= 0) return {0, b.max};
  return {-all_ones(std::max(-a.min, -b.min) - 1) - 1, std::max({a.max, b.max, 0.0})};
}

ValueRange bitwise_or(const RangeQuery& query) {
  const ValueRange a = query.of("self"), b = query.of("other");
  const double ones = all_ones(std::max({a.max, b.max, -a.min - 1, -b.min - 1, 0.0}));
  return {a.min >= 0 && b.min >= 0 ? 0 : -ones - 1, ones, is_far(a) || is_far(b)};
}

ValueRange cast(const RangeQuery& query) {
  ValueRange a = query.as_given("self");
  const auto from = query.call.tensor("self").dtype;
  if (is_integral(from) || !is_integral(query.dtype())) return a;
  // Nobody says how large an unbounded float gets; the largest of them are no integers in any dtype. What is added to
  // the integer mustn't look like an overflow.
  const ValueRange bounds{-kMaxSize + kAdded, kMaxSize - kAdded};
  const bool is_narrow = query.dtype() != at::kLong;
  if (!std::isfinite(a.min)) a = {is_narrow ? a.min : bounds.min, a.max};
  if (!std::isfinite(a.max)) a = {a.min, is_narrow ? a.max : bounds.max};
  return {std::trunc(a.min), std::trunc(a.max), a.is_reached};
}

double round_half_even(double value) { return std::nearbyint(value); }

}  // namespace

std::span<const NamedRangeRule> arithmetic_range_rules() {
  static constexpr NamedRangeRule table[] = {
      {"aten::add", add},
      {"aten::sub", subtract},
      {"aten::rsub", subtract_reversed},
      {"aten::mul", multiply},
      {"aten::neg", negate},
      {"aten::abs", absolute},
      {"aten::sign", sign},
      {"aten::bitwise_not", bitwise_not},
      {"aten::bitwise_and", bitwise_and},
      {"aten::bitwise_or", bitwise_or},
      {"aten::bitwise_xor", bitwise_or},
      {"aten::bitwise_left_shift", shift_left},
      {"aten::__lshift__", shift_left},
      {"aten::bitwise_right_shift", shift_right},
      {"aten::__rshift__", shift_right},
      {"aten::div", divide},
      {"aten::floor_divide", divide},
      {"aten::remainder", remainder},
      {"aten::fmod", c_remainder},
      {"aten::maximum", maximum},
      {"aten::minimum", minimum},
      {"aten::fmax", maximum},
      {"aten::fmin", minimum},
      {"aten::pow", power},
      {"aten::clamp", clamp},
      {"aten::hardtanh", clamp},
      {"aten::relu", relu},
      {"aten::sigmoid", unit},
      {"aten::_softmax", unit},
      {"aten::softmax", unit},
      {"aten::tanh", plus_minus_one},
      {"aten::sin", plus_minus_one},
      {"aten::cos", plus_minus_one},
      {"aten::erf", plus_minus_one},
      {"aten::floor", rounded<std::floor>},
      {"aten::ceil", rounded<std::ceil>},
      {"aten::trunc", rounded<std::trunc>},
      {"aten::round", rounded<round_half_even>},
      {"aten::_to_copy", cast},
  };
  return table;
}

}  // namespace tracejet
