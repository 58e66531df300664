// PyTorch: aten/src/ATen/native/AveragePool2d.cpp (avg_pool2d_backward),
// aten/src/ATen/native/AdaptiveAveragePooling.cpp (adaptive_avg_pool2d_backward_cpu),
// aten/src/ATen/native/UpSampleNearest2d.cpp (upsample_nearest2d_backward), torch/_decomp/decompositions.py
// (max_pool2d_with_indices_backward, max_unpool2d, max_unpool3d).
#include "ops/backward/pooling_backward_decompositions.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/floor_divide.h>
#include <ATen/ops/index_put.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scatter.h>
#include <ATen/ops/scatter_add.h>
#include <ATen/ops/zeros.h>

#include "ir/tensor_meta.h"
#include "ops/numbers.h"
#include "ops/refusal.h"
#include "ops/resampling/upsample_decompositions.h"
#include "ops/shape/shape.h"
#include "ops/shape/window.h"

namespace tracejet::decompositions {

namespace {

c10::SymInt product(c10::SymIntArrayRef sizes) {
  c10::SymInt result = 1;
  for (const c10::SymInt& size : sizes) result = result * size;
  return result;
}

/// [..., height, width] with all axes but the last `kept` as one.
Sizes flattened(c10::SymIntArrayRef sizes, size_t kept) {
  Sizes result{product(sizes.slice(0, sizes.size() - kept))};
  const auto last = sizes.slice(sizes.size() - kept, kept);
  result.append(last.begin(), last.end());
  return result;
}

/// One of the two axes that average pooling slides over.
struct Pooled {
  int64_t kernel, stride, padding;
  c10::SymInt size;     ///< of the input
  c10::SymInt windows;  ///< the size of the output

  /// How many elements each window averages.
  at::Tensor counts(bool include_padding, const at::Tensor& like) const {
    const at::Tensor start = counted(windows, like) * stride - padding;
    const at::Tensor end = at::clamp(start + kernel, std::nullopt, at::Scalar(size + padding));
    if (include_padding) return end - start;
    return at::clamp(end, std::nullopt, at::Scalar(size)) - at::clamp(start, 0);
  }
  /// What of the input the windows don't reach; negative where they reach over its end.
  c10::SymInt unreached() const { return size + padding - ((windows - 1) * stride + kernel); }
};

Pooled pooled(int64_t axis, const at::Tensor& grad, const at::Tensor& self, at::IntArrayRef kernel,
              at::IntArrayRef stride, at::IntArrayRef padding) {
  const auto of_axis = [&](at::IntArrayRef given) { return axis == -2 ? given.front() : given.back(); };
  return {of_axis(kernel), of_axis(stride.empty() ? kernel : stride), of_axis(padding), self.sym_size(axis),
          grad.sym_size(axis)};
}

/// The share that each element of the input has in each window of adaptive average pooling: [windows, size].
at::Tensor adaptive_shares(const c10::SymInt& windows, const c10::SymInt& size, const at::Tensor& like) {
  const at::Tensor index = counted(windows, like), position = counted(size, like);
  const at::Tensor start = at::floor_divide(index * at::Scalar(size), at::Scalar(windows)).unsqueeze(1);
  const at::Tensor end =
      at::floor_divide((index + 1) * at::Scalar(size) + at::Scalar(windows - 1), at::Scalar(windows)).unsqueeze(1);
  const at::Tensor inside = (position >= start).logical_and(position < end);
  return inside.to(like.scalar_type()) / (end - start);
}

at::Tensor unpooled(const at::Tensor& self, const at::Tensor& indices, c10::SymIntArrayRef output_size) {
  const size_t spatial = output_size.size();
  Sizes sizes(self.sym_sizes().slice(0, static_cast<size_t>(self.dim()) - spatial));
  const Sizes flat{product(sizes), product(output_size)};
  sizes.append(output_size.begin(), output_size.end());
  const Sizes given{flat[0], product(self.sym_sizes().slice(static_cast<size_t>(self.dim()) - spatial, spatial))};
  return at::scatter(at::zeros_symint(flat, self.options()), 1, indices.reshape_symint(given),
                     self.reshape_symint(given))
      .reshape_symint(sizes);
}

}  // namespace

/// Each window gives its gradient to all of its elements, as a transposed convolution with a kernel of ones does.
at::Tensor avg_pool2d_backward(const at::Tensor& grad, const at::Tensor& self, at::IntArrayRef kernel_size,
                               at::IntArrayRef stride, at::IntArrayRef padding, bool /*ceil_mode*/,
                               bool count_include_pad, std::optional<int64_t> divisor_override) {
  const Pooled rows = pooled(-2, grad, self, kernel_size, stride, padding);
  const Pooled columns = pooled(-1, grad, self, kernel_size, stride, padding);
  at::Tensor share = grad;
  if (divisor_override) {
    share = share / *divisor_override;
  } else {
    share = share / (rows.counts(count_include_pad, grad).unsqueeze(1) * columns.counts(count_include_pad, grad));
  }
  Sizes images = flattened(share.sym_sizes(), 2);
  images.insert(images.begin() + 1, 1);
  const at::Tensor ones = at::ones({1, 1, rows.kernel, columns.kernel}, grad.options());
  const at::Tensor spread =
      at::convolution(share.reshape_symint(images), ones, std::nullopt, {rows.stride, columns.stride}, {0, 0}, {1, 1},
                      /*transposed=*/true, {0, 0}, 1);
  const c10::SymInt before_rows = -rows.padding, before_columns = -columns.padding;
  return at::constant_pad_nd_symint(spread, {before_columns, columns.unreached(), before_rows, rows.unreached()})
      .reshape_symint(self.sym_sizes());
}

at::Tensor adaptive_avg_pool2d_backward(const at::Tensor& grad, const at::Tensor& self) {
  const at::Tensor rows = adaptive_shares(grad.sym_size(-2), self.sym_size(-2), grad);
  const at::Tensor columns = adaptive_shares(grad.sym_size(-1), self.sym_size(-1), grad);
  return at::matmul(at::matmul(rows.transpose(0, 1), grad), columns);
}

at::Tensor max_pool2d_with_indices_backward(const at::Tensor& grad, const at::Tensor& self, at::IntArrayRef,
                                            at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, bool,
                                            const at::Tensor& indices) {
  const auto planes = [](const at::Tensor& tensor) {
    const Sizes flat = flattened(tensor.sym_sizes(), 2);
    return Sizes{flat[0], flat[1] * flat[2]};
  };
  const Sizes windows = planes(grad);
  return at::scatter_add(at::zeros_symint(planes(self), grad.options()), 1, indices.reshape_symint(windows),
                         grad.reshape_symint(windows))
      .reshape_symint(self.sym_sizes());
}

at::Tensor upsample_nearest2d_backward(const at::Tensor& grad, c10::SymIntArrayRef output_size,
                                       c10::SymIntArrayRef input_size, std::optional<double> scales_h,
                                       std::optional<double> scales_w) {
  c10::List<std::optional<at::Tensor>> sources;
  sources.push_back(std::nullopt);
  sources.push_back(std::nullopt);
  sources.push_back(nearest_source(output_size[0], input_size[2], scales_h, 0, grad).unsqueeze(1));
  sources.push_back(nearest_source(output_size[1], input_size[3], scales_w, 0, grad));
  return at::index_put(at::zeros_symint(input_size, grad.options()), sources, grad, /*accumulate=*/true);
}

namespace {

void require_places(const at::Tensor& self, const at::Tensor& indices, c10::SymIntArrayRef output_size,
                    int64_t spatial) {
  const auto message = [&] {
    return "self is " + shape::text(self.sym_sizes()) + ", indices are " + at::toString(indices.scalar_type()) +
           " of " + shape::text(indices.sym_sizes()) + ", output_size is " + shape::text(output_size) + ", expected " +
           std::to_string(spatial) + " sizes, as many axes or up to two more, and int64 of one shape with self";
  };
  const bool fits = self.dim() == spatial + 1 || self.dim() == spatial + 2;
  require(fits && indices.dim() == self.dim() && indices.scalar_type() == at::kLong &&
              static_cast<int64_t>(output_size.size()) == spatial,
          message);
  for (int64_t axis = 0; axis < self.dim(); ++axis)
    require_equal_sizes(self.sym_size(axis), indices.sym_size(axis), message);
  window::require_elements(self.sym_sizes(), 1);
}

}  // namespace

at::Tensor max_unpool2d(const at::Tensor& self, const at::Tensor& indices, c10::SymIntArrayRef output_size) {
  require_places(self, indices, output_size, 2);
  return unpooled(self, indices, output_size);
}

at::Tensor max_unpool3d(const at::Tensor& self, const at::Tensor& indices, c10::SymIntArrayRef output_size,
                        at::IntArrayRef, at::IntArrayRef) {
  require_places(self, indices, output_size, 3);
  return unpooled(self, indices, output_size);
}

}  // namespace tracejet::decompositions
