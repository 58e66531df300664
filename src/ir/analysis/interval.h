#pragma once

#include <initializer_list>

#include "ir/analysis/value_range.h"

/// Interval arithmetic.
namespace tracejet::interval {

/// From the least of the numbers to the greatest.
ValueRange hull(std::initializer_list<double> values, bool is_reached);
/// 0 times infinity is 0: the infinity is only a bound.
double times(double a, double b);
/// A single number that 32 bits don't hold. Times anything but 0 it stays so.
bool is_far(const ValueRange& a);
ValueRange sum(const ValueRange& a, const ValueRange& b);
ValueRange negated(const ValueRange& a);
ValueRange product(const ValueRange& a, const ValueRange& b);
ValueRange with_zero(const ValueRange& a);
ValueRange unreached(const ValueRange& a);
/// The next number that is all ones in binary.
double all_ones(double value);
ValueRange larger(const ValueRange& a, const ValueRange& b);
ValueRange smaller(const ValueRange& a, const ValueRange& b);

}  // namespace tracejet::interval
