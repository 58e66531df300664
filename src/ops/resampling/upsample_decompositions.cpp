// PyTorch: aten/src/ATen/native/UpSample.h (area_pixel_compute_scale, area_pixel_compute_source_index,
// get_cubic_upsample_coefficients), torch/_decomp/decompositions.py (_upsample_nearest, _upsample_linear,
// upsample_bicubic2d_default).
#include "ops/resampling/upsample_decompositions.h"

#include <array>
#include <span>

#include <ATen/OpMathType.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/floor.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/round.h>
#include <ATen/ops/rsub.h>

#include "ir/tensor_meta.h"
#include "ops/numbers.h"

namespace tracejet::decompositions {

namespace {

using Scale = std::optional<double>;

/// How far apart in the input two neighbours of the output are.
at::Tensor step_between(const c10::SymInt& output, const c10::SymInt& input, bool align_corners, Scale scale,
                        const at::Tensor& positions) {
  if (align_corners) {
    const c10::SymInt gaps = output - 1;
    return scalar_like(positions, at::Scalar(input - 1)) / scalar_like(positions, at::Scalar(gaps.max(1)));
  }
  if (scale && *scale > 0) return scalar_like(positions, 1 / *scale);
  return scalar_like(positions, at::Scalar(input)) / scalar_like(positions, at::Scalar(output));
}

at::Tensor source_positions(const c10::SymInt& output, const c10::SymInt& input, bool align_corners, Scale scale,
                            const at::Tensor& like) {
  const at::Tensor index = counted(output, like, at::toOpMathType(like.scalar_type()));
  const at::Tensor step = step_between(output, input, align_corners, scale, index);
  return align_corners ? index * step : (index + 0.5) * step - 0.5;
}

/// One number for each element of an axis, to be broadcast against the tensor.
at::Tensor laid_along(int64_t axis, const at::Tensor& numbers, const at::Tensor& self) {
  Sizes sizes(static_cast<size_t>(self.dim()), 1);
  sizes[axis] = numbers.sym_size(0);
  return numbers.view_symint(sizes);
}

at::Tensor taken(const at::Tensor& self, int64_t axis, const at::Tensor& index) {
  return at::index_select(self, axis, at::clamp(index, 0, at::Scalar(self.sym_size(axis) - 1)));
}

at::Tensor nearest(const at::Tensor& self, c10::SymIntArrayRef output_size, std::span<const Scale> scales,
                   double centre) {
  at::Tensor result = self;
  for (size_t i = 0; i < output_size.size(); ++i) {
    const auto axis = static_cast<int64_t>(i) + 2;
    result =
        at::index_select(result, axis, nearest_source(output_size[i], self.sym_size(axis), scales[i], centre, self));
  }
  return result;
}

at::Tensor linear(const at::Tensor& self, c10::SymIntArrayRef output_size, bool align_corners,
                  std::span<const Scale> scales) {
  at::Tensor result = self.to(at::toOpMathType(self.scalar_type()));
  for (size_t i = 0; i < output_size.size(); ++i) {
    const auto axis = static_cast<int64_t>(i) + 2;
    const at::Tensor position =
        at::clamp(source_positions(output_size[i], self.sym_size(axis), align_corners, scales[i], self), 0);
    const at::Tensor below = at::floor(position), index = below.to(at::kLong);
    const at::Tensor weight = laid_along(axis, position - below, result);
    result = taken(result, axis, index) * at::rsub(weight, 1) + taken(result, axis, index + 1) * weight;
  }
  return result.to(self.scalar_type());
}

constexpr double kCubic = -0.75;

/// The weight of a neighbour that is up to 1 away, and between 1 and 2 away.
at::Tensor weight_of_near(const at::Tensor& x) { return ((kCubic + 2) * x - (kCubic + 3)) * x * x + 1; }
at::Tensor weight_of_far(const at::Tensor& x) { return ((kCubic * x - 5 * kCubic) * x + 8 * kCubic) * x - 4 * kCubic; }

at::Tensor cubic(const at::Tensor& self, c10::SymIntArrayRef output_size, bool align_corners,
                 std::span<const Scale> scales) {
  at::Tensor result = self.to(at::toOpMathType(self.scalar_type()));
  for (size_t i = 0; i < output_size.size(); ++i) {
    const auto axis = static_cast<int64_t>(i) + 2;
    const at::Tensor position = source_positions(output_size[i], self.sym_size(axis), align_corners, scales[i], self);
    const at::Tensor below = at::floor(position), index = below.to(at::kLong), t = position - below;
    const std::array weights{weight_of_far(t + 1), weight_of_near(t), weight_of_near(at::rsub(t, 1)),
                             weight_of_far(at::rsub(t, 2))};
    at::Tensor sum;
    for (int64_t k = 0; k < 4; ++k) {
      const at::Tensor part = taken(result, axis, index + (k - 1)) * laid_along(axis, weights[k], result);
      sum = sum.defined() ? sum + part : part;
    }
    result = sum;
  }
  const at::ScalarType dtype = self.scalar_type();
  return (at::isIntegralType(dtype, false) ? at::clamp(at::round(result), 0, 255) : result).to(dtype);
}

}  // namespace

at::Tensor nearest_source(const c10::SymInt& output, const c10::SymInt& input, Scale scale, double centre,
                          const at::Tensor& like) {
  const at::Tensor index = counted(output, like, at::kFloat);
  const at::Tensor step = step_between(output, input, /*align_corners=*/false, scale, index);
  const at::Tensor position = (centre == 0 ? index : index + centre) * step;
  return at::clamp(position.to(at::kLong), std::nullopt, at::Scalar(input - 1));
}

at::Tensor upsample_nearest1d(const at::Tensor& self, c10::SymIntArrayRef output_size, Scale scales) {
  return nearest(self, output_size, std::array{scales}, 0);
}

at::Tensor upsample_nearest2d(const at::Tensor& self, c10::SymIntArrayRef output_size, Scale scales_h, Scale scales_w) {
  return nearest(self, output_size, std::array{scales_h, scales_w}, 0);
}

at::Tensor upsample_nearest3d(const at::Tensor& self, c10::SymIntArrayRef output_size, Scale scales_d, Scale scales_h,
                              Scale scales_w) {
  return nearest(self, output_size, std::array{scales_d, scales_h, scales_w}, 0);
}

at::Tensor plain_nearest_exact1d(const at::Tensor& self, c10::SymIntArrayRef output_size, Scale scales) {
  return nearest(self, output_size, std::array{scales}, 0.5);
}

at::Tensor plain_nearest_exact2d(const at::Tensor& self, c10::SymIntArrayRef output_size, Scale scales_h,
                                 Scale scales_w) {
  return nearest(self, output_size, std::array{scales_h, scales_w}, 0.5);
}

at::Tensor plain_nearest_exact3d(const at::Tensor& self, c10::SymIntArrayRef output_size, Scale scales_d,
                                 Scale scales_h, Scale scales_w) {
  return nearest(self, output_size, std::array{scales_d, scales_h, scales_w}, 0.5);
}

at::Tensor upsample_linear1d(const at::Tensor& self, c10::SymIntArrayRef output_size, bool align_corners,
                             Scale scales) {
  return linear(self, output_size, align_corners, std::array{scales});
}

at::Tensor upsample_bilinear2d(const at::Tensor& self, c10::SymIntArrayRef output_size, bool align_corners,
                               Scale scales_h, Scale scales_w) {
  return linear(self, output_size, align_corners, std::array{scales_h, scales_w});
}

at::Tensor upsample_trilinear3d(const at::Tensor& self, c10::SymIntArrayRef output_size, bool align_corners,
                                Scale scales_d, Scale scales_h, Scale scales_w) {
  return linear(self, output_size, align_corners, std::array{scales_d, scales_h, scales_w});
}

at::Tensor upsample_bicubic2d(const at::Tensor& self, c10::SymIntArrayRef output_size, bool align_corners,
                              Scale scales_h, Scale scales_w) {
  return cubic(self, output_size, align_corners, std::array{scales_h, scales_w});
}

}  // namespace tracejet::decompositions
