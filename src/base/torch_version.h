#pragma once

#include <torch/version.h>

// What the core has to know of the differences between PyTorch's versions (2.11 to 2.15) stands here; what Python has
// to know, in python/tracejet/export/compat.
namespace tracejet {

constexpr bool torch_is_at_least(int major, int minor) {
  return TORCH_VERSION_MAJOR > major || (TORCH_VERSION_MAJOR == major && TORCH_VERSION_MINOR >= minor);
}

/// The fused attention of the CPU lets one head of keys and values serve all heads of queries, and takes operands
/// without a batch axis.
inline constexpr bool kFusedAttentionIsLenient = torch_is_at_least(2, 14);

}  // namespace tracejet
