#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/view.h>

/// Axes as normalization sees them: tensors are [N, C, ...], one channel after the other on axis 1.
namespace tracejet::decompositions {

/// begin, begin + 1, … end - 1.
inline std::vector<int64_t> axes_between(int64_t begin, int64_t end) {
  std::vector<int64_t> axes(static_cast<size_t>(end - begin));
  std::iota(axes.begin(), axes.end(), begin);
  return axes;
}

inline std::vector<int64_t> all_but_channels(int64_t rank) {
  std::vector<int64_t> axes = axes_between(1, rank);
  axes[0] = 0;
  return axes;
}

/// A vector of one value per channel, to be broadcast against [N, C, ...].
inline at::Tensor per_channel(const at::Tensor& vector, int64_t rank) {
  std::vector<c10::SymInt> sizes(static_cast<size_t>(rank), 1);
  sizes[1] = vector.sym_size(0);
  return vector.view_symint(sizes);
}

}  // namespace tracejet::decompositions
