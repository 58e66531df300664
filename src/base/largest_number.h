#pragma once

#include <cstdint>
#include <limits>

#include <c10/core/ScalarType.h>

namespace tracejet {

/// The largest finite number of an integer or floating dtype; of others that of float64.
inline double largest_number(c10::ScalarType dtype) {
  switch (dtype) {
    case c10::ScalarType::Byte:
      return std::numeric_limits<uint8_t>::max();
    case c10::ScalarType::Char:
      return std::numeric_limits<int8_t>::max();
    case c10::ScalarType::Short:
      return std::numeric_limits<int16_t>::max();
    case c10::ScalarType::Int:
      return std::numeric_limits<int32_t>::max();
    case c10::ScalarType::Long:
      return static_cast<double>(std::numeric_limits<int64_t>::max());
    case c10::ScalarType::Half:
      return std::numeric_limits<c10::Half>::max();
    case c10::ScalarType::BFloat16:
      return std::numeric_limits<c10::BFloat16>::max();
    case c10::ScalarType::Float:
      return std::numeric_limits<float>::max();
    default:
      return std::numeric_limits<double>::max();
  }
}

}  // namespace tracejet
