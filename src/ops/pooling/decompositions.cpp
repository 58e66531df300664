// PyTorch: aten/src/ATen/native/MaxPooling.cpp (max_pool1d), aten/src/ATen/native/AdaptiveAveragePooling.cpp
// (adaptive_avg_pool2d), aten/src/ATen/native/AdaptiveAveragePooling3d.cpp (adaptive_avg_pool3d).
#include "ops/pooling/decompositions.h"

#include <algorithm>
#include <vector>

#include <ATen/ops/_adaptive_avg_pool2d.h>
#include <ATen/ops/_adaptive_avg_pool3d.h>
#include <ATen/ops/max_pool2d_with_indices.h>

#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet::decompositions {

namespace {

/// The parameter of a window that also has an axis of size 1 to slide over.
std::vector<int64_t> with_flat_axis(at::IntArrayRef parameter, int64_t flat) {
  if (parameter.empty()) return {};
  return {flat, parameter[0]};
}

bool is_one(const c10::SymInt& size) { return size.maybe_as_int() == 1; }

/// Whether the pooled axes become one value each, which is a mean. What they are is checked as where they stay.
bool is_mean(const at::Tensor& self, c10::SymIntArrayRef output_size, size_t spatial) {
  if (output_size.size() != spatial || !std::all_of(output_size.begin(), output_size.end(), is_one)) return false;
  const auto rank = static_cast<size_t>(self.dim());
  require(rank == spatial + 1 || rank == spatial + 2, [&] {
    return "self is " + shape::text(self.sym_sizes()) + ", expected " + std::to_string(spatial + 1) + " or " +
           std::to_string(spatial + 2) + " axes";
  });
  return true;
}

}  // namespace

at::Tensor max_pool1d(const at::Tensor& self, at::IntArrayRef kernel_size, at::IntArrayRef stride,
                      at::IntArrayRef padding, at::IntArrayRef dilation, bool ceil_mode) {
  const auto pooled =
      at::max_pool2d_with_indices(self.unsqueeze(-2), with_flat_axis(kernel_size, 1), with_flat_axis(stride, 1),
                                  with_flat_axis(padding, 0), with_flat_axis(dilation, 1), ceil_mode);
  return std::get<0>(pooled).squeeze(-2);
}

at::Tensor adaptive_avg_pool2d(const at::Tensor& self, c10::SymIntArrayRef output_size) {
  if (is_mean(self, output_size, 2)) return self.mean({-1, -2}, /*keepdim=*/true);
  return at::_adaptive_avg_pool2d_symint(self, output_size);
}

at::Tensor adaptive_avg_pool3d(const at::Tensor& self, c10::SymIntArrayRef output_size) {
  if (is_mean(self, output_size, 3)) return self.mean({-1, -2, -3}, /*keepdim=*/true);
  return at::_adaptive_avg_pool3d_symint(self, output_size);
}

}  // namespace tracejet::decompositions
