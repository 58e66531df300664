// PyTorch: aten/src/ATen/native/UpSample.cpp (compute_output_size).
#include "ops/resampling/upsample.h"

#include <algorithm>
#include <cmath>

#include "ops/refusal.h"
#include "ops/shape/shape.h"
#include "symbolic/node.h"
#include "symbolic/sym_node.h"

namespace tracejet::upsample {

namespace {

struct Fraction {
  int64_t numerator;
  int64_t denominator;
};

/// Fractions are checked against the product in double precision, one size after the other: up to so many of them.
constexpr int64_t kCheckedSizes = 1 << 14;
constexpr int64_t kLargestDenominator = 1000;

int64_t floor_product(int64_t size, double scale) {
  return static_cast<int64_t>(std::floor(static_cast<double>(size) * scale));
}

/// The sizes that can be checked out of those that `size` may have.
symbolic::Range checked_range(const c10::SymInt& size) {
  symbolic::Range range{0, kCheckedSizes};
  if (const auto expression = symbolic::expression_of(size)) {
    const symbolic::Range all = symbolic::bounds(*expression);
    range.min = std::max<int64_t>(all.min, 0);
    range.max = std::min(all.max, range.min + kCheckedSizes);
  }
  return range;
}

bool agrees(const Fraction& fraction, double scale, const symbolic::Range& range) {
  for (int64_t size = range.min; size <= range.max; ++size) {
    if (size * fraction.numerator / fraction.denominator != floor_product(size, scale)) return false;
  }
  return true;
}

std::optional<Fraction> as_fraction(double scale, const symbolic::Range& range) {
  for (int64_t denominator = 1; denominator <= kLargestDenominator; ++denominator) {
    const double numerator = std::round(scale * static_cast<double>(denominator));
    if (std::abs(numerator / static_cast<double>(denominator) - scale) > 1e-12 * scale) continue;
    const Fraction fraction{static_cast<int64_t>(numerator), denominator};
    if (agrees(fraction, scale, range)) return fraction;
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

c10::SymInt scaled(const c10::SymInt& size, double scale) {
  if (const auto known = size.maybe_as_int()) return floor_product(*known, scale);
  const symbolic::Range range = checked_range(size);
  const auto fraction = as_fraction(scale, range);
  if (!fraction || !size.sym_le(range.max).guard_bool(__FILE__, __LINE__)) {
    return floor_product(size.guard_int(__FILE__, __LINE__), scale);
  }
  return size * fraction->numerator / fraction->denominator;
}

Sizes output_sizes(c10::SymIntArrayRef input, const std::optional<Sizes>& output_size,
                   std::optional<at::ArrayRef<double>> scale_factors) {
  require(output_size.has_value() != scale_factors.has_value(),
          [] { return "exactly one of output_size and scale_factors must be given"; });
  const size_t spatial = output_size ? output_size->size() : scale_factors->size();
  require(input.size() == spatial + 2, [&] {
    return "input is " + shape::text(input) + ", expected [N, C] and " + std::to_string(spatial) + " spatial axes";
  });
  if (output_size) return *output_size;
  Sizes sizes;
  for (size_t i = 0; i < spatial; ++i) sizes.push_back(scaled(input[i + 2], (*scale_factors)[i]));
  return sizes;
}

}  // namespace tracejet::upsample
