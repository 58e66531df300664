// Upsampling, and sampling along a grid.
// PyTorch: aten/src/ATen/native/UpSample.h (upsample_1d_common_check, upsample_2d_common_check,
// upsample_3d_common_check), aten/src/ATen/native/UpSample.cpp (compute_output_size),
// aten/src/ATen/native/GridSamplerUtils.h (check_grid_sampler_common), aten/src/ATen/native/AffineGridGenerator.cpp.
#include "ops/families.h"
#include "ops/refusal.h"
#include "ops/resampling/decompositions.h"
#include "ops/resampling/upsample.h"
#include "ops/resampling/upsample_decompositions.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

TensorMeta upsampled(const TensorMeta& input, const Sizes& spatial_sizes) {
  require(input.dim() == static_cast<int64_t>(spatial_sizes.size()) + 2, [&] {
    return "input is " + shape::text(input.sizes) + ", expected [N, C] and " + std::to_string(spatial_sizes.size()) +
           " spatial axes";
  });
  for (size_t axis = 1; axis < input.sizes.size(); ++axis) {
    require(input.sizes[axis].sym_ge(1),
            [&] { return "input is " + shape::text(input.sizes) + ", expected no empty axis but that of the batch"; });
  }
  Sizes sizes{input.sizes[0], input.sizes[1]};
  for (const c10::SymInt& size : spatial_sizes) {
    require(size.sym_ge(1), [&] { return "output sizes are " + shape::text(spatial_sizes) + ", expected at least 1"; });
    sizes.push_back(size);
  }
  return shape::like_batch(input, std::move(sizes), spatial_sizes.size());
}

/// The form with the sizes given. It may come with scales, which only decide the values.
Metas upsample_plain(const Call& call) { return {upsampled(call.tensor("self"), call.sym_ints("output_size"))}; }

std::optional<std::vector<double>> scale_factors(const Call& call) {
  if (!call.has("scale_factors")) return std::nullopt;
  return std::get<c10::IValue>(call.argument("scale_factors")).toDoubleVector();
}

/// The form with either sizes or factors given.
Metas upsample_vec(const Call& call) {
  const TensorMeta& input = call.tensor("input");
  const auto factors = scale_factors(call);
  return {
      upsampled(input, upsample::output_sizes(input.sizes, call.optional_sym_ints("output_size"),
                                              factors ? std::optional<at::ArrayRef<double>>(*factors) : std::nullopt))};
}

/// Values of the input at the places that the grid names: [N, C, ...] at [N, ..., 2 or 3].
Metas grid_sampler(const Call& call) {
  const TensorMeta &input = call.tensor("input"), &grid = call.tensor("grid");
  const auto message = [&] {
    return "input is " + shape::text(input.sizes) + ", grid is " + shape::text(grid.sizes) +
           ", expected as many axes, the same batch and one coordinate for each spatial axis";
  };
  require(input.dim() == grid.dim() && input.dim() >= 4, message);
  require_equal_sizes(input.sizes[0], grid.sizes[0], message);
  require_equal_sizes(grid.sizes.back(), input.dim() - 2, message);
  for (int64_t axis = 2; axis < input.dim(); ++axis) {
    require(input.sizes[axis].sym_ge(1), [&] { return "input is " + shape::text(input.sizes) + ", without a pixel"; });
  }
  Sizes sizes{input.sizes[0], input.sizes[1]};
  for (int64_t axis = 1; axis + 1 < grid.dim(); ++axis) sizes.push_back(grid.sizes[axis]);
  return {shape::contiguous(std::move(sizes), input.dtype, input.device)};
}

/// A point for each place of the output: [N, C, ...] -> [N, ..., 2 or 3].
Metas affine_grid_generator(const Call& call) {
  const TensorMeta& theta = call.tensor("theta");
  const Sizes size = call.sym_ints("size");
  const auto spatial = static_cast<int64_t>(size.size()) - 2;
  const auto message = [&] {
    return "theta is " + shape::text(theta.sizes) +
           ", expected a matrix of [spatial axes, spatial axes + 1] for each of " + shape::text(size);
  };
  require((spatial == 2 || spatial == 3) && theta.dim() == 3, message);
  require_equal_sizes(theta.sizes[0], size[0], message);
  require_equal_sizes(theta.sizes[1], spatial, message);
  require_equal_sizes(theta.sizes[2], spatial + 1, message);
  Sizes sizes{size[0]};
  sizes.append(size.begin() + 2, size.end());
  sizes.push_back(spatial);
  return {shape::contiguous(std::move(sizes), theta.dtype, theta.device)};
}

}  // namespace

std::span<const Operator> resampling_operators() {
  namespace as = decompositions;
  static constexpr Operator table[] = {
      // Kept with their factors, which engines read; the forms without are for programs that call them by name.
      {.name = "aten::upsample_nearest1d.vec",
       .meta = upsample_vec,
       .decompose = expand<&as::upsample_nearest1d_vec>,
       .kept_by_default = true},
      {.name = "aten::upsample_nearest2d.vec",
       .meta = upsample_vec,
       .decompose = expand<&as::upsample_nearest2d_vec>,
       .kept_by_default = true},
      {.name = "aten::upsample_nearest3d.vec",
       .meta = upsample_vec,
       .decompose = expand<&as::upsample_nearest3d_vec>,
       .kept_by_default = true},
      {.name = "aten::upsample_linear1d.vec",
       .meta = upsample_vec,
       .decompose = expand<&as::upsample_linear1d_vec>,
       .kept_by_default = true},
      {.name = "aten::upsample_bilinear2d.vec",
       .meta = upsample_vec,
       .decompose = expand<&as::upsample_bilinear2d_vec>,
       .kept_by_default = true},
      {.name = "aten::upsample_trilinear3d.vec",
       .meta = upsample_vec,
       .decompose = expand<&as::upsample_trilinear3d_vec>,
       .kept_by_default = true},
      {.name = "aten::upsample_bicubic2d.vec",
       .meta = upsample_vec,
       .decompose = expand<&as::upsample_bicubic2d_vec>,
       .kept_by_default = true},
      {.name = "aten::_upsample_nearest_exact1d.vec", .decompose = expand<&as::upsample_nearest_exact1d>},
      {.name = "aten::_upsample_nearest_exact2d.vec", .decompose = expand<&as::upsample_nearest_exact2d>},
      {.name = "aten::_upsample_nearest_exact3d.vec", .decompose = expand<&as::upsample_nearest_exact3d>},
      {.name = "aten::_upsample_bilinear2d_aa.vec", .decompose = expand<&as::upsample_bilinear2d_aa>},
      {.name = "aten::_upsample_bicubic2d_aa.vec", .decompose = expand<&as::upsample_bicubic2d_aa>},
      {.name = "aten::upsample_nearest1d",
       .meta = upsample_plain,
       .decompose = expand<&as::upsample_nearest1d>,
       .kept_by_default = true},
      {.name = "aten::upsample_nearest2d",
       .meta = upsample_plain,
       .decompose = expand<&as::upsample_nearest2d>,
       .kept_by_default = true},
      {.name = "aten::upsample_nearest3d",
       .meta = upsample_plain,
       .decompose = expand<&as::upsample_nearest3d>,
       .kept_by_default = true},
      {.name = "aten::upsample_linear1d",
       .meta = upsample_plain,
       .decompose = expand<&as::upsample_linear1d>,
       .kept_by_default = true},
      {.name = "aten::upsample_bilinear2d",
       .meta = upsample_plain,
       .decompose = expand<&as::upsample_bilinear2d>,
       .kept_by_default = true},
      {.name = "aten::upsample_trilinear3d",
       .meta = upsample_plain,
       .decompose = expand<&as::upsample_trilinear3d>,
       .kept_by_default = true},
      {.name = "aten::upsample_bicubic2d",
       .meta = upsample_plain,
       .decompose = expand<&as::upsample_bicubic2d>,
       .kept_by_default = true},
      {.name = "aten::_upsample_nearest_exact1d",
       .meta = upsample_plain,
       .decompose = expand<&as::plain_nearest_exact1d>,
       .kept_by_default = true},
      {.name = "aten::_upsample_nearest_exact2d",
       .meta = upsample_plain,
       .decompose = expand<&as::plain_nearest_exact2d>,
       .kept_by_default = true},
      {.name = "aten::_upsample_nearest_exact3d",
       .meta = upsample_plain,
       .decompose = expand<&as::plain_nearest_exact3d>,
       .kept_by_default = true},
      {.name = "aten::_upsample_bilinear2d_aa", .meta = upsample_plain},
      {.name = "aten::_upsample_bicubic2d_aa", .meta = upsample_plain},
      {.name = "aten::grid_sampler", .decompose = expand<&as::grid_sampler>},
      {.name = "aten::affine_grid_generator",
       .meta = affine_grid_generator,
       .decompose = expand<&as::affine_grid_generator>},
      {.name = "aten::grid_sampler_2d", .meta = grid_sampler},
      {.name = "aten::grid_sampler_3d", .meta = grid_sampler},
  };
  return table;
}

}  // namespace tracejet
