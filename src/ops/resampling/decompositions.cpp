// PyTorch: aten/src/ATen/native/Embedding.cpp, aten/src/ATen/native/Onehot.cpp, aten/src/ATen/native/PixelShuffle.cpp,
// aten/src/ATen/native/ChanelShuffle.cpp, aten/src/ATen/native/GridSampler.cpp,
// aten/src/ATen/native/AffineGridGenerator.cpp, aten/src/ATen/native/ReplicationPadding.cpp,
// aten/src/ATen/native/PadNd.cpp (_pad_circular), aten/src/ATen/native/Im2Col.cpp, aten/src/ATen/native/Col2Im.cpp,
// aten/src/ATen/native/UpSample.cpp (compute_output_size).
#include "ops/resampling/decompositions.h"

#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/_local_scalar_dense.h>
#include <ATen/ops/_upsample_bicubic2d_aa.h>
#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/_upsample_nearest_exact1d.h>
#include <ATen/ops/_upsample_nearest_exact2d.h>
#include <ATen/ops/_upsample_nearest_exact3d.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/grid_sampler_2d.h>
#include <ATen/ops/grid_sampler_3d.h>
#include <ATen/ops/index.h>
#include <ATen/ops/index_put.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/upsample_linear1d.h>
#include <ATen/ops/upsample_nearest1d.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/upsample_nearest3d.h>
#include <ATen/ops/upsample_trilinear3d.h>
#include <ATen/ops/zeros.h>

#include "base/error.h"
#include "ir/tensor_meta.h"
#include "ops/numbers.h"
#include "ops/refusal.h"
#include "ops/resampling/upsample.h"
#include "ops/shape/shape.h"
#include "ops/shape/window.h"
#include "symbolic/sym_node.h"

namespace tracejet::decompositions {

namespace {

// Unfolding -----------------------------------------------------------------------------------------------------------

/// Windows that slide along one axis of an image.
struct Sliding {
  int64_t kernel;
  int64_t dilation;
  int64_t padding;
  int64_t stride;
  c10::SymInt windows;

  /// Where in the padded axis each element of each window lies: [kernel, windows].
  at::Tensor positions(const at::Tensor& like) const {
    const at::Tensor within = counted(kernel, like) * dilation, starts = counted(windows, like) * stride;
    return within.unsqueeze(1) + starts;
  }
};

Sliding sliding(const c10::SymInt& size, size_t axis, at::IntArrayRef kernel, at::IntArrayRef dilation,
                at::IntArrayRef padding, at::IntArrayRef stride) {
  const c10::SymInt windows = window::count(size, {kernel[axis], stride[axis], padding[axis], dilation[axis]});
  require(windows.sym_ge(1),
          [&] { return "an image of " + shape::text(size) + " along an axis is too small for the kernel"; });
  return {kernel[axis], dilation[axis], padding[axis], stride[axis], windows};
}

/// What indexes [N, C, height, width] as [N, C, kernel, windows, kernel, windows].
c10::List<std::optional<at::Tensor>> patches(const Sliding& rows, const Sliding& columns, const at::Tensor& like) {
  c10::List<std::optional<at::Tensor>> indices;
  indices.push_back(std::nullopt);
  indices.push_back(std::nullopt);
  indices.push_back(rows.positions(like).unsqueeze(-1).unsqueeze(-1));
  indices.push_back(columns.positions(like));
  return indices;
}

// Padding -------------------------------------------------------------------------------------------------------------

/// Puts the end of an axis before its start and its start after its end; a negative number crops.
at::Tensor wrapped(const at::Tensor& self, int64_t axis, const c10::SymInt& before, const c10::SymInt& after) {
  const c10::SymInt size = self.sym_size(axis);
  const c10::SymInt first = (-before).max(0), last = size - (-after).max(0);
  std::vector<at::Tensor> parts;
  // Only what certainly is nothing is left out: parts without elements are right, and a size may make them so.
  const auto is_nothing = [](const c10::SymInt& added) { return shape::is_zero(added); };
  const c10::SymInt added_before = before.max(0), added_after = after.max(0);
  if (!is_nothing(added_before)) parts.push_back(self.slice_symint(axis, last - added_before, last));
  parts.push_back(self.slice_symint(axis, first, last));
  if (!is_nothing(added_after)) parts.push_back(self.slice_symint(axis, first, first + added_after));
  return parts.size() == 1 ? parts[0] : at::cat(parts, axis);
}

// Affine grids --------------------------------------------------------------------------------------------------------

/// `size` points from -1 to 1: the ends themselves, or half a step inside of them. A single point lies at 0.
at::Tensor coordinates(const c10::SymInt& size, bool align_corners, const at::Tensor& like) {
  const at::Tensor steps = counted(size, like).to(like.scalar_type());
  if (!align_corners) return (steps * 2 + 1) / at::Scalar(size) - 1;
  const c10::SymInt gaps = size - 1;
  return steps * 2 / at::Scalar(gaps.max(1)) - at::Scalar(gaps.min(1));
}

// Upsampling ----------------------------------------------------------------------------------------------------------

Sizes upsampled(const at::Tensor& input, const at::OptionalSymIntArrayRef& output_size,
                const std::optional<at::ArrayRef<double>>& scale_factors) {
  std::optional<Sizes> given;
  if (output_size) given.emplace(output_size->begin(), output_size->end());
  return upsample::output_sizes(input.sym_sizes(), given, scale_factors);
}

std::optional<double> factor(const std::optional<at::ArrayRef<double>>& scale_factors, size_t axis) {
  if (!scale_factors) return std::nullopt;
  return (*scale_factors)[axis];
}

}  // namespace

at::Tensor embedding(const at::Tensor& weight, const at::Tensor& indices, c10::SymInt, bool, bool) {
  if (indices.dim() == 1) return at::index_select(weight, 0, indices);
  Sizes sizes(indices.sym_sizes());
  for (int64_t axis = 1; axis < weight.dim(); ++axis) sizes.push_back(weight.sym_size(axis));
  return at::index_select(weight, 0, indices.reshape({-1})).view_symint(sizes);
}

at::Tensor one_hot(const at::Tensor& self, int64_t num_classes) {
  if (num_classes >= 0) return at::eq(self.unsqueeze(-1), counted(num_classes, self)).to(at::kLong);
  const c10::SymInt found = at::_local_scalar_dense(self.max() + 1).toSymInt();
  require(found.sym_ge(0).expect_true(__FILE__, __LINE__), [] { return "one_hot takes no negative numbers"; });
  return at::eq(self.unsqueeze(-1), counted(found, self)).to(at::kLong);
}

namespace {

/// The batch axes as they are, and the axes behind them in another order.
std::vector<int64_t> behind_batch(int64_t batch_axes, std::initializer_list<int64_t> order) {
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < batch_axes; ++axis) axes.push_back(axis);
  for (const int64_t axis : order) axes.push_back(batch_axes + axis);
  return axes;
}

}  // namespace

/// [..., C r r, H, W] to [..., C, H r, W r]
at::Tensor pixel_shuffle(const at::Tensor& self, int64_t r) {
  const int64_t batch_axes = self.dim() - 3;
  const c10::SymInt channels = self.sym_size(-3) / (r * r), height = self.sym_size(-2), width = self.sym_size(-1);
  Sizes split(self.sym_sizes().slice(0, static_cast<size_t>(batch_axes))), joined = split;
  for (const c10::SymInt& size : {channels, c10::SymInt(r), c10::SymInt(r), height, width}) split.push_back(size);
  for (const c10::SymInt& size : {channels, height * r, width * r}) joined.push_back(size);
  return self.reshape_symint(split).permute(behind_batch(batch_axes, {0, 3, 1, 4, 2})).reshape_symint(joined);
}

/// [..., C, H r, W r] to [..., C r r, H, W]
at::Tensor pixel_unshuffle(const at::Tensor& self, int64_t r) {
  if (symbolic::is_known_empty(self.sym_sizes())) return self.clone();
  window::require_elements(self.sym_sizes(), 0);
  const int64_t batch_axes = self.dim() - 3;
  const c10::SymInt channels = self.sym_size(-3), height = self.sym_size(-2) / r, width = self.sym_size(-1) / r;
  Sizes split(self.sym_sizes().slice(0, static_cast<size_t>(batch_axes))), joined = split;
  for (const c10::SymInt& size : {channels, height, c10::SymInt(r), width, c10::SymInt(r)}) split.push_back(size);
  for (const c10::SymInt& size : {channels * (r * r), height, width}) joined.push_back(size);
  return self.reshape_symint(split).permute(behind_batch(batch_axes, {0, 2, 4, 1, 3})).reshape_symint(joined);
}

at::Tensor channel_shuffle(const at::Tensor& self, c10::SymInt groups) {
  Sizes sizes(self.sym_sizes()), grouped = sizes;
  grouped[1] = sizes[1] / groups;
  grouped.insert(grouped.begin() + 1, std::move(groups));
  return self.reshape_symint(grouped).transpose(1, 2).reshape_symint(sizes);
}

at::Tensor grid_sampler(const at::Tensor& input, const at::Tensor& grid, int64_t interpolation_mode,
                        int64_t padding_mode, bool align_corners) {
  if (input.dim() == 4) return at::grid_sampler_2d(input, grid, interpolation_mode, padding_mode, align_corners);
  return at::grid_sampler_3d(input, grid, interpolation_mode, padding_mode, align_corners);
}

at::Tensor affine_grid_generator(const at::Tensor& theta, c10::SymIntArrayRef size, bool align_corners) {
  const auto spatial = static_cast<int64_t>(size.size()) - 2;
  const auto message = [&] {
    return "theta is " + shape::text(theta.sym_sizes()) + " for " + shape::text(size) +
           ", expected an affine matrix for each image";
  };
  require(theta.dim() == 3, message);
  const c10::SymInt sizes_of_matrices[] = {size[0], spatial, spatial + 1};
  for (int64_t axis = 0; axis < 3; ++axis) require_equal_sizes(theta.sym_size(axis), sizes_of_matrices[axis], message);
  // Each coordinate of the result is a sum over the coordinates of the point, x first, which runs along the last axis.
  const auto column = [&](int64_t index) {
    Sizes sizes(size.size(), 1);
    sizes.front() = theta.sym_size(0);
    sizes.back() = spatial;
    return theta.select(2, index).reshape_symint(sizes);
  };
  at::Tensor grid = column(spatial);
  for (int64_t index = 0; index < spatial; ++index) {
    const int64_t axis = spatial - index;
    Sizes sizes(size.size(), 1);
    sizes[axis] = size[axis + 1];
    grid = grid + coordinates(size[axis + 1], align_corners, theta).view_symint(sizes) * column(index);
  }
  return grid;
}

at::Tensor replication_pad1d(const at::Tensor& self, c10::SymIntArrayRef padding) {
  window::require_elements(self.sym_sizes(), static_cast<size_t>(self.dim() - 2));
  const c10::SymInt size = self.sym_size(-1);
  const at::Tensor positions = counted(size + padding[0] + padding[1], self) - at::Scalar(padding[0]);
  return at::index_select(self, -1, at::clamp(positions, 0, at::Scalar(size - 1)));
}

at::Tensor pad_circular(const at::Tensor& self, c10::SymIntArrayRef pad) {
  at::Tensor result = self;
  const auto message = [&] { return "pad " + shape::text(pad) + " is too large for " + shape::text(self.sym_sizes()); };
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    const c10::SymInt size = self.sym_size(-1 - static_cast<int64_t>(i)), &before = pad[2 * i], &after = pad[2 * i + 1];
    // What is added at one end is taken from what the other one's cropping leaves.
    require(before.sym_le(size - (-after).max(0)), message);
    require(after.sym_le(size - (-before).max(0)), message);
    require((size + before + after).sym_ge(0), message);
    result = wrapped(result, self.dim() - 1 - static_cast<int64_t>(i), pad[2 * i], pad[2 * i + 1]);
  }
  return result;
}

at::Tensor im2col(const at::Tensor& self, at::IntArrayRef kernel_size, at::IntArrayRef dilation,
                  at::IntArrayRef padding, at::IntArrayRef stride) {
  if (self.dim() == 3) return im2col(self.unsqueeze(0), kernel_size, dilation, padding, stride).squeeze(0);
  window::require_elements(self.sym_sizes(), 1);
  const Sliding rows = sliding(self.sym_size(2), 0, kernel_size, dilation, padding, stride);
  const Sliding columns = sliding(self.sym_size(3), 1, kernel_size, dilation, padding, stride);
  const at::Tensor padded =
      at::constant_pad_nd(self, {columns.padding, columns.padding, rows.padding, rows.padding}, 0);
  const at::Tensor found = at::index(padded, patches(rows, columns, self));
  return found.permute({0, 1, 2, 4, 3, 5})
      .reshape_symint(
          {self.sym_size(0), self.sym_size(1) * rows.kernel * columns.kernel, rows.windows * columns.windows});
}

at::Tensor col2im(const at::Tensor& self, c10::SymIntArrayRef output_size, at::IntArrayRef kernel_size,
                  at::IntArrayRef dilation, at::IntArrayRef padding, at::IntArrayRef stride) {
  if (self.dim() == 2) {
    return col2im(self.unsqueeze(0), output_size, kernel_size, dilation, padding, stride).squeeze(0);
  }
  window::require_elements(self.sym_sizes(), 1);
  const Sliding rows = sliding(output_size[0], 0, kernel_size, dilation, padding, stride);
  const Sliding columns = sliding(output_size[1], 1, kernel_size, dilation, padding, stride);
  const c10::SymInt batch = self.sym_size(0), channels = self.sym_size(1) / (rows.kernel * columns.kernel);
  const at::Tensor found =
      self.reshape_symint({batch, channels, rows.kernel, columns.kernel, rows.windows, columns.windows})
          .permute({0, 1, 2, 4, 3, 5});
  const at::Tensor image = at::zeros_symint(
      {batch, channels, output_size[0] + 2 * rows.padding, output_size[1] + 2 * columns.padding}, self.options());
  return at::index_put(image, patches(rows, columns, self), found, /*accumulate=*/true)
      .slice_symint(2, rows.padding, output_size[0] + rows.padding)
      .slice_symint(3, columns.padding, output_size[1] + columns.padding);
}

at::Tensor upsample_nearest_exact1d(const at::Tensor& input, at::OptionalSymIntArrayRef output_size,
                                    std::optional<at::ArrayRef<double>> scale_factors) {
  return at::_upsample_nearest_exact1d_symint(input, upsampled(input, output_size, scale_factors),
                                              factor(scale_factors, 0));
}

at::Tensor upsample_nearest_exact2d(const at::Tensor& input, at::OptionalSymIntArrayRef output_size,
                                    std::optional<at::ArrayRef<double>> scale_factors) {
  return at::_upsample_nearest_exact2d_symint(input, upsampled(input, output_size, scale_factors),
                                              factor(scale_factors, 0), factor(scale_factors, 1));
}

at::Tensor upsample_nearest_exact3d(const at::Tensor& input, at::OptionalSymIntArrayRef output_size,
                                    std::optional<at::ArrayRef<double>> scale_factors) {
  return at::_upsample_nearest_exact3d_symint(input, upsampled(input, output_size, scale_factors),
                                              factor(scale_factors, 0), factor(scale_factors, 1),
                                              factor(scale_factors, 2));
}

at::Tensor upsample_nearest1d_vec(const at::Tensor& input, at::OptionalSymIntArrayRef output_size,
                                  std::optional<at::ArrayRef<double>> scale_factors) {
  return at::upsample_nearest1d_symint(input, upsampled(input, output_size, scale_factors), factor(scale_factors, 0));
}

at::Tensor upsample_nearest2d_vec(const at::Tensor& input, at::OptionalSymIntArrayRef output_size,
                                  std::optional<at::ArrayRef<double>> scale_factors) {
  return at::upsample_nearest2d_symint(input, upsampled(input, output_size, scale_factors), factor(scale_factors, 0),
                                       factor(scale_factors, 1));
}

at::Tensor upsample_nearest3d_vec(const at::Tensor& input, at::OptionalSymIntArrayRef output_size,
                                  std::optional<at::ArrayRef<double>> scale_factors) {
  return at::upsample_nearest3d_symint(input, upsampled(input, output_size, scale_factors), factor(scale_factors, 0),
                                       factor(scale_factors, 1), factor(scale_factors, 2));
}

at::Tensor upsample_linear1d_vec(const at::Tensor& input, at::OptionalSymIntArrayRef output_size, bool align_corners,
                                 std::optional<at::ArrayRef<double>> scale_factors) {
  return at::upsample_linear1d_symint(input, upsampled(input, output_size, scale_factors), align_corners,
                                      factor(scale_factors, 0));
}

at::Tensor upsample_bilinear2d_vec(const at::Tensor& input, at::OptionalSymIntArrayRef output_size, bool align_corners,
                                   std::optional<at::ArrayRef<double>> scale_factors) {
  return at::upsample_bilinear2d_symint(input, upsampled(input, output_size, scale_factors), align_corners,
                                        factor(scale_factors, 0), factor(scale_factors, 1));
}

at::Tensor upsample_trilinear3d_vec(const at::Tensor& input, at::OptionalSymIntArrayRef output_size, bool align_corners,
                                    std::optional<at::ArrayRef<double>> scale_factors) {
  return at::upsample_trilinear3d_symint(input, upsampled(input, output_size, scale_factors), align_corners,
                                         factor(scale_factors, 0), factor(scale_factors, 1), factor(scale_factors, 2));
}

at::Tensor upsample_bicubic2d_vec(const at::Tensor& input, at::OptionalSymIntArrayRef output_size, bool align_corners,
                                  std::optional<at::ArrayRef<double>> scale_factors) {
  return at::upsample_bicubic2d_symint(input, upsampled(input, output_size, scale_factors), align_corners,
                                       factor(scale_factors, 0), factor(scale_factors, 1));
}

at::Tensor upsample_bilinear2d_aa(const at::Tensor& input, at::OptionalSymIntArrayRef output_size, bool align_corners,
                                  std::optional<at::ArrayRef<double>> scale_factors) {
  return at::_upsample_bilinear2d_aa_symint(input, upsampled(input, output_size, scale_factors), align_corners,
                                            factor(scale_factors, 0), factor(scale_factors, 1));
}

at::Tensor upsample_bicubic2d_aa(const at::Tensor& input, at::OptionalSymIntArrayRef output_size, bool align_corners,
                                 std::optional<at::ArrayRef<double>> scale_factors) {
  return at::_upsample_bicubic2d_aa_symint(input, upsampled(input, output_size, scale_factors), align_corners,
                                           factor(scale_factors, 0), factor(scale_factors, 1));
}

}  // namespace tracejet::decompositions
