#pragma once

#include <string>

#include <ATen/core/ivalue.h>

namespace tracejet {

/// How far a value is from what it should be.
struct Comparison {
  bool is_equal = true;  ///< up to rounding
  double absolute = 0;   ///< the largest difference of two elements
  double relative = 0;   ///< the same, relative to the largest element that was expected
  std::string problem;   ///< where it isn't equal: "at [0, 3]: expected 0.5, got 0.25"
};

/// The error of a number computed in these types that is rounding: relative to the number itself and to the mean of its
/// tensor's. `precision`: what float32 arithmetic may be done in.
double rounding_of(at::ScalarType dtype, at::ScalarType precision);

/// NaN equals NaN; integers and booleans have to be the same. With `as_numbers`, dtypes may differ.
Comparison compare(const c10::IValue& expected, const c10::IValue& got, double rounding, bool as_numbers = false);

}  // namespace tracejet
