#pragma once

#include <cmath>

namespace tracejet {

/// Whether a number is 2^n or -2^n: products with it and quotients by it are exact.
inline bool is_power_of_two(double number) {
  int exponent = 0;
  return std::abs(std::frexp(number, &exponent)) == 0.5;
}

}  // namespace tracejet
