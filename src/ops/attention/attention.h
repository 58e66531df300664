#pragma once

#include <span>
#include <string_view>

#include "ops/operator.h"

namespace tracejet {

/// How attention is expanded where 16-bit floats are not to be computed in float32.
struct AttentionIn16Bits {
  std::string_view name;
  Decomposition decompose;
};

/// scaled_dot_product_attention and its backends, but for `_scaled_dot_product_attention_math`, which ATen expands.
std::span<const AttentionIn16Bits> attention_in_16_bits();

}  // namespace tracejet
