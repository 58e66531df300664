// Upsampling, sampling along a grid, padding, rearranging pixels, and looking rows up in a table.
#include "onnx/conversions.h"
#include "ops/families.h"
#include "ops/refusal.h"
#include "ops/resampling_decompositions.h"
#include "ops/resampling_samples.h"
#include "ops/shape.h"
#include "ops/upsample.h"
#include "ops/upsample_decompositions.h"
#include "ops/window.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

/// In the layout that `input` suggests, if it is a batch of images or volumes: [N, C] and `spatial` axes.
TensorMeta like_batch(const TensorMeta& input, Sizes sizes, size_t spatial) {
  const bool batch = spatial > 1 && sizes.size() == spatial + 2;
  if (!batch) return shape::contiguous(std::move(sizes), input.dtype, input.device);
  return shape::in_format(std::move(sizes), shape::suggested_format(input), input.dtype, input.device);
}

// Upsampling ----------------------------------------------------------------------------------------------------------

TensorMeta upsampled(const TensorMeta& input, const Sizes& spatial_sizes) {
  require(input.dim() == static_cast<int64_t>(spatial_sizes.size()) + 2, [&] {
    return "input is " + shape::text(input.sizes) + ", expected [N, C] and " + std::to_string(spatial_sizes.size()) +
           " spatial axes";
  });
  Sizes sizes{input.sizes[0], input.sizes[1]};
  for (const c10::SymInt& size : spatial_sizes) {
    require(size.sym_ge(1), [&] { return "output sizes are " + shape::text(spatial_sizes) + ", expected at least 1"; });
    sizes.push_back(size);
  }
  return like_batch(input, std::move(sizes), spatial_sizes.size());
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

// Padding -------------------------------------------------------------------------------------------------------------

struct Pad {
  c10::SymInt before;
  c10::SymInt after;
};

/// The padding of each of the last axes, in the order of the axes; the argument begins with the last one.
std::vector<Pad> pads(const Sizes& given) {
  std::vector<Pad> result;
  for (size_t i = given.size() / 2; i-- > 0;) result.push_back({given[2 * i], given[2 * i + 1]});
  return result;
}

bool known_negative(const c10::SymInt& pad) {
  const auto known = pad.maybe_as_int();
  return known && *known < 0;
}

bool known_at_most_zero(const c10::SymInt& pad) {
  const auto known = pad.maybe_as_int();
  return known && *known <= 0;
}

/// Without anything to add, ATen copies a slice of the input, and the copy keeps the order of its axes.
Metas constant_pad(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const Sizes given = call.sym_ints("pad");
  require(given.size() % 2 == 0 && static_cast<int64_t>(given.size()) <= 2 * self.dim(), [&] {
    return "pad is " + shape::text(given) + ", expected two numbers for each of the last axes of " +
           shape::text(self.sizes);
  });
  const auto padding = pads(given);
  TensorMeta padded = self;
  bool only_crops = true;
  for (size_t i = 0; i < padding.size(); ++i) {
    c10::SymInt& size = padded.sizes[self.sizes.size() - padding.size() + i];
    size = size + padding[i].before + padding[i].after;
    only_crops = only_crops && known_at_most_zero(padding[i].before) && known_at_most_zero(padding[i].after);
    if (!known_negative(padding[i].before) && !known_negative(padding[i].after)) continue;
    require(size.sym_ge(0),
            [&] { return "self is " + shape::text(self.sizes) + ", too small to crop it by " + shape::text(given); });
  }
  if (only_crops) return {shape::like(padded, self.dtype)};
  return {shape::in_format(padded.sizes, shape::suggested_format(self), self.dtype, self.device)};
}

/// Mirrored or repeated borders of [N, C] or [C] and spatial axes.
TensorMeta bordered(const Call& call, bool mirrored) {
  const TensorMeta& self = call.tensor("self");
  const Sizes given = call.sym_ints("padding");
  const auto padding = pads(given);
  const size_t spatial = padding.size(), rank = self.sizes.size();
  require(rank == spatial + 1 || rank == spatial + 2, [&] {
    return "self is " + shape::text(self.sizes) + ", expected [N, C] or [C] and " + std::to_string(spatial) +
           " spatial axes";
  });
  const auto message = [&] { return "padding " + shape::text(given) + " is too large for " + shape::text(self.sizes); };
  Sizes sizes = self.sizes;
  for (size_t i = 0; i < spatial; ++i) {
    c10::SymInt& size = sizes[rank - spatial + i];
    if (mirrored) require(padding[i].before.sym_lt(size), message);
    if (mirrored) require(padding[i].after.sym_lt(size), message);
    size = size + padding[i].before + padding[i].after;
    require(size.sym_ge(1), message);
  }
  return like_batch(self, std::move(sizes), spatial);
}

Metas reflection_pad(const Call& call) { return {bordered(call, /*mirrored=*/true)}; }
Metas replication_pad(const Call& call) { return {bordered(call, /*mirrored=*/false)}; }

// Rearranging ---------------------------------------------------------------------------------------------------------

void require_image(const TensorMeta& self) {
  require(self.dim() >= 3, [&] { return "self is " + shape::text(self.sizes) + ", expected [..., C, H, W]"; });
}

void require_multiple(const TensorMeta& self, int64_t axis, int64_t of) {
  require((self.sizes[axis] % of).sym_eq(0), [&] {
    return "self is " + shape::text(self.sizes) + ", expected a multiple of " + std::to_string(of) + " on axis " +
           std::to_string(axis);
  });
}

/// Channels become pixels: [..., C r r, H, W] -> [..., C, H r, W r].
Metas pixel_shuffle(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  require_image(self);
  const int64_t factor = call.integer("upscale_factor"), rank = self.dim();
  require(factor > 0, [&] { return "upscale_factor is " + std::to_string(factor) + ", expected at least 1"; });
  require_multiple(self, rank - 3, factor * factor);
  Sizes sizes = self.sizes;
  sizes[rank - 3] = sizes[rank - 3] / (factor * factor);
  sizes[rank - 2] = sizes[rank - 2] * factor;
  sizes[rank - 1] = sizes[rank - 1] * factor;
  return {like_batch(self, std::move(sizes), 2)};
}

Metas pixel_unshuffle(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  require_image(self);
  const int64_t factor = call.integer("downscale_factor"), rank = self.dim();
  require(factor > 0, [&] { return "downscale_factor is " + std::to_string(factor) + ", expected at least 1"; });
  require_multiple(self, rank - 2, factor);
  require_multiple(self, rank - 1, factor);
  Sizes sizes = self.sizes;
  sizes[rank - 3] = sizes[rank - 3] * (factor * factor);
  sizes[rank - 2] = sizes[rank - 2] / factor;
  sizes[rank - 1] = sizes[rank - 1] / factor;
  return {like_batch(self, std::move(sizes), 2)};
}

Metas channel_shuffle(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  require(self.dim() >= 3, [&] { return "self is " + shape::text(self.sizes) + ", expected [N, C, ...]"; });
  const int64_t groups = call.integer("groups");
  require(groups > 0, [&] { return "groups is " + std::to_string(groups) + ", expected at least 1"; });
  require_multiple(self, 1, groups);
  return {like_batch(self, self.sizes, static_cast<size_t>(self.dim() - 2))};
}

/// Patches as columns: [N, C, H, W] -> [N, C kh kw, windows].
Metas im2col(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const auto axes = window::axes(call, 2);
  const auto rank = self.dim();
  require(rank == 3 || rank == 4, [&] { return "self is " + shape::text(self.sizes) + ", expected [N, C, H, W]"; });
  Sizes sizes = self.sizes;
  c10::SymInt windows = 1, elements = 1;
  for (size_t i = 0; i < 2; ++i) {
    const c10::SymInt count = window::count(sizes[sizes.size() - 2 + i], axes[i]);
    require(count.sym_ge(1), [&] { return "self is " + shape::text(self.sizes) + ", too small for the kernel"; });
    windows = windows * count;
    elements = elements * axes[i].kernel;
  }
  sizes.resize(sizes.size() - 2);
  sizes.back() = sizes.back() * elements;
  sizes.push_back(windows);
  return {shape::contiguous(std::move(sizes), self.dtype, self.device)};
}

Metas col2im(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const auto axes = window::axes(call, 2);
  const Sizes output = call.sym_ints("output_size", 2);
  const auto rank = self.dim();
  const auto message = [&] {
    return "self is " + shape::text(self.sizes) + ", expected [N, C times the kernel's elements, windows] for " +
           shape::text(output);
  };
  require(rank == 2 || rank == 3, message);
  const c10::SymInt elements = axes[0].kernel * axes[1].kernel;
  require((self.sizes[rank - 2] % elements).sym_eq(0), message);
  require_equal_sizes(self.sizes[rank - 1], window::count(output[0], axes[0]) * window::count(output[1], axes[1]),
                      message);
  Sizes sizes = self.sizes;
  sizes.pop_back();
  sizes.back() = sizes.back() / elements;
  sizes.append(output.begin(), output.end());
  return {shape::contiguous(std::move(sizes), self.dtype, self.device)};
}

// Tables --------------------------------------------------------------------------------------------------------------

bool is_index(at::ScalarType dtype) { return dtype == at::kLong || dtype == at::kInt; }

Metas embedding(const Call& call) {
  const TensorMeta &weight = call.tensor("weight"), &indices = call.tensor("indices");
  require(weight.dim() == 2, [&] { return "weight is " + shape::text(weight.sizes) + ", expected 2 axes"; });
  require(is_index(indices.dtype),
          [&] { return std::string("indices are ") + at::toString(indices.dtype) + ", expected int64 or int32"; });
  Sizes sizes = indices.sizes;
  sizes.push_back(weight.sizes[1]);
  return {shape::contiguous(std::move(sizes), weight.dtype, weight.device)};
}

/// Rows of the table, summed (or averaged, or their maximum) per bag. Besides: which bag each index is in, how large
/// each bag is, and the rows with the maxima.
Metas embedding_bag(const Call& call) {
  constexpr int64_t kSum = 0, kMax = 2;
  const TensorMeta &weight = call.tensor("weight"), &indices = call.tensor("indices"),
                   &offsets = call.tensor("offsets");
  require(weight.dim() == 2 && indices.dim() == 1 && offsets.dim() == 1, [&] {
    return "weight is " + shape::text(weight.sizes) + ", indices are " + shape::text(indices.sizes) + ", offsets are " +
           shape::text(offsets.sizes) + ", expected 2, 1 and 1 axes";
  });
  const c10::SymInt bags = call.flag("include_last_offset") ? offsets.sizes[0] - 1 : offsets.sizes[0];
  const int64_t mode = call.integer("mode");
  // The vectorised kernel for sums doesn't need to know the bag of each index.
  const bool vectorised = mode == kSum && weight.dtype != at::kDouble && call.integer("padding_idx") < 0 &&
                          shape::known_equal(weight.strides[1], 1);
  const auto integers = [&](Sizes sizes) { return shape::contiguous(std::move(sizes), indices.dtype, weight.device); };
  return {shape::contiguous({bags, weight.sizes[1]}, weight.dtype, weight.device),
          integers({vectorised ? c10::SymInt(0) : indices.sizes[0]}), integers({bags}),
          mode == kMax ? integers({bags, weight.sizes[1]}) : integers({bags})};
}

}  // namespace

std::span<const Operator> resampling_operators() {
  namespace given = samples::resampling;
  namespace as = decompositions;
  static constexpr Operator table[] = {
      // Kept with their factors, which engines read; the forms without are for programs that call them by name.
      {.name = "aten::upsample_nearest1d.vec",
       .meta = upsample_vec,
       .decompose = expand<&as::upsample_nearest1d_vec>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_nearest,
       .samples = given::nearest1d_vec},
      {.name = "aten::upsample_nearest2d.vec",
       .meta = upsample_vec,
       .decompose = expand<&as::upsample_nearest2d_vec>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_nearest,
       .samples = given::nearest2d_vec},
      {.name = "aten::upsample_nearest3d.vec",
       .meta = upsample_vec,
       .decompose = expand<&as::upsample_nearest3d_vec>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_nearest,
       .samples = given::nearest3d_vec},
      {.name = "aten::upsample_linear1d.vec",
       .meta = upsample_vec,
       .decompose = expand<&as::upsample_linear1d_vec>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_linear,
       .samples = given::linear1d_vec},
      {.name = "aten::upsample_bilinear2d.vec",
       .meta = upsample_vec,
       .decompose = expand<&as::upsample_bilinear2d_vec>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_linear,
       .samples = given::linear2d_vec},
      {.name = "aten::upsample_trilinear3d.vec",
       .meta = upsample_vec,
       .decompose = expand<&as::upsample_trilinear3d_vec>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_linear,
       .samples = given::linear3d_vec},
      {.name = "aten::upsample_bicubic2d.vec",
       .meta = upsample_vec,
       .decompose = expand<&as::upsample_bicubic2d_vec>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_cubic,
       .samples = given::linear2d_vec},
      {.name = "aten::_upsample_nearest_exact1d.vec",
       .decompose = expand<&as::upsample_nearest_exact1d>,
       .samples = given::nearest1d_vec},
      {.name = "aten::_upsample_nearest_exact2d.vec",
       .decompose = expand<&as::upsample_nearest_exact2d>,
       .samples = given::nearest2d_vec},
      {.name = "aten::_upsample_nearest_exact3d.vec",
       .decompose = expand<&as::upsample_nearest_exact3d>,
       .samples = given::nearest3d_vec},
      {.name = "aten::_upsample_bilinear2d_aa.vec",
       .decompose = expand<&as::upsample_bilinear2d_aa>,
       .samples = given::linear2d_vec},
      {.name = "aten::_upsample_bicubic2d_aa.vec",
       .decompose = expand<&as::upsample_bicubic2d_aa>,
       .samples = given::linear2d_vec},
      {.name = "aten::upsample_nearest1d",
       .meta = upsample_plain,
       .decompose = expand<&as::upsample_nearest1d>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_nearest,
       .samples = given::nearest1d},
      {.name = "aten::upsample_nearest2d",
       .meta = upsample_plain,
       .decompose = expand<&as::upsample_nearest2d>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_nearest,
       .samples = given::nearest2d},
      {.name = "aten::upsample_nearest3d",
       .meta = upsample_plain,
       .decompose = expand<&as::upsample_nearest3d>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_nearest,
       .samples = given::nearest3d},
      {.name = "aten::upsample_linear1d",
       .meta = upsample_plain,
       .decompose = expand<&as::upsample_linear1d>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_linear,
       .samples = given::linear1d},
      {.name = "aten::upsample_bilinear2d",
       .meta = upsample_plain,
       .decompose = expand<&as::upsample_bilinear2d>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_linear,
       .samples = given::linear2d},
      {.name = "aten::upsample_trilinear3d",
       .meta = upsample_plain,
       .decompose = expand<&as::upsample_trilinear3d>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_linear,
       .samples = given::linear3d},
      {.name = "aten::upsample_bicubic2d",
       .meta = upsample_plain,
       .decompose = expand<&as::upsample_bicubic2d>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_cubic,
       .samples = given::linear2d},
      {.name = "aten::_upsample_nearest_exact1d",
       .meta = upsample_plain,
       .decompose = expand<&as::plain_nearest_exact1d>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_nearest_exact,
       .samples = given::nearest1d},
      {.name = "aten::_upsample_nearest_exact2d",
       .meta = upsample_plain,
       .decompose = expand<&as::plain_nearest_exact2d>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_nearest_exact,
       .samples = given::nearest2d},
      {.name = "aten::_upsample_nearest_exact3d",
       .meta = upsample_plain,
       .decompose = expand<&as::plain_nearest_exact3d>,
       .is_kept_for_engines = true,
       .onnx = onnx::upsample_nearest_exact,
       .samples = given::nearest3d},
      {.name = "aten::_upsample_bilinear2d_aa", .meta = upsample_plain, .samples = given::linear2d},
      {.name = "aten::_upsample_bicubic2d_aa", .meta = upsample_plain, .samples = given::linear2d},
      {.name = "aten::grid_sampler", .decompose = expand<&as::grid_sampler>, .samples = given::grid_sampler},
      {.name = "aten::affine_grid_generator",
       .meta = affine_grid_generator,
       .decompose = expand<&as::affine_grid_generator>,
       .samples = given::affine_grid},
      {.name = "aten::grid_sampler_2d",
       .meta = grid_sampler,
       .onnx = onnx::grid_sample,
       .samples = given::grid_sampler_2d},
      {.name = "aten::grid_sampler_3d", .meta = grid_sampler, .samples = given::grid_sampler_3d},

      {.name = "aten::constant_pad_nd",
       .meta = constant_pad,
       .onnx = onnx::pad("constant"),
       .samples = given::constant_pad},
      {.name = "aten::reflection_pad1d", .meta = reflection_pad, .onnx = onnx::pad("reflect"), .samples = given::pad1d},
      {.name = "aten::reflection_pad2d", .meta = reflection_pad, .onnx = onnx::pad("reflect"), .samples = given::pad2d},
      {.name = "aten::reflection_pad3d", .meta = reflection_pad, .onnx = onnx::pad("reflect"), .samples = given::pad3d},
      {.name = "aten::replication_pad1d",
       .meta = replication_pad,
       .decompose = expand<&as::replication_pad1d>,
       .is_kept_for_engines = true,
       .onnx = onnx::pad("edge"),
       .samples = given::pad1d},
      {.name = "aten::replication_pad2d", .meta = replication_pad, .onnx = onnx::pad("edge"), .samples = given::pad2d},
      {.name = "aten::replication_pad3d", .meta = replication_pad, .onnx = onnx::pad("edge"), .samples = given::pad3d},
      {.name = "aten::_pad_circular", .decompose = expand<&as::pad_circular>, .samples = given::pad_circular},

      {.name = "aten::pixel_shuffle",
       .meta = pixel_shuffle,
       .decompose = expand<&as::pixel_shuffle>,
       .is_kept_for_engines = true,
       .onnx = onnx::pixel_shuffle,
       .samples = given::pixel_shuffle},
      {.name = "aten::pixel_unshuffle",
       .meta = pixel_unshuffle,
       .decompose = expand<&as::pixel_unshuffle>,
       .is_kept_for_engines = true,
       .onnx = onnx::pixel_unshuffle,
       .samples = given::pixel_unshuffle},
      {.name = "aten::channel_shuffle",
       .meta = channel_shuffle,
       .decompose = expand<&as::channel_shuffle>,
       .samples = given::channel_shuffle},
      {.name = "aten::im2col", .meta = im2col, .decompose = expand<&as::im2col>, .samples = given::im2col},
      {.name = "aten::col2im", .meta = col2im, .decompose = expand<&as::col2im>, .samples = given::col2im},

      {.name = "aten::embedding", .meta = embedding, .decompose = expand<&as::embedding>, .samples = given::embedding},
      {.name = "aten::_embedding_bag", .meta = embedding_bag, .samples = given::embedding_bag},
      {.name = "aten::_embedding_bag_forward_only", .meta = embedding_bag, .samples = given::embedding_bag},
      {.name = "aten::one_hot", .decompose = expand<&as::one_hot>, .samples = given::one_hot},
  };
  return table;
}

}  // namespace tracejet
