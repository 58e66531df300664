// The same elements in other places: pixels from channels, patches as columns.
// PyTorch: aten/src/ATen/native/PixelShuffle.cpp, aten/src/ATen/native/ChanelShuffle.cpp (channel_shuffle),
// aten/src/ATen/native/Im2Col.cpp (im2col), aten/src/ATen/native/Col2Im.cpp (col2im).
#include "ops/families.h"
#include "ops/refusal.h"
#include "ops/resampling/decompositions.h"
#include "ops/shape/shape.h"
#include "ops/shape/window.h"
#include "symbolic/sym_node.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

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
  return {shape::like_batch(self, std::move(sizes), 2)};
}

Metas pixel_unshuffle(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  require_image(self);
  const int64_t factor = call.integer("downscale_factor"), rank = self.dim();
  require(factor > 0, [&] { return "downscale_factor is " + std::to_string(factor) + ", expected at least 1"; });
  require_multiple(self, rank - 2, factor);
  require_multiple(self, rank - 1, factor);
  // Eager hands an empty one back in its old shape.
  if (symbolic::is_known_empty(self.sizes)) return {shape::like_batch(self, self.sizes, 2)};
  window::require_elements(self.sizes, 0);
  Sizes sizes = self.sizes;
  sizes[rank - 3] = sizes[rank - 3] * (factor * factor);
  sizes[rank - 2] = sizes[rank - 2] / factor;
  sizes[rank - 1] = sizes[rank - 1] / factor;
  return {shape::like_batch(self, std::move(sizes), 2)};
}

Metas channel_shuffle(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  require(self.dim() >= 3, [&] { return "self is " + shape::text(self.sizes) + ", expected [N, C, ...]"; });
  const int64_t groups = call.integer("groups");
  require(groups > 0, [&] { return "groups is " + std::to_string(groups) + ", expected at least 1"; });
  require_multiple(self, 1, groups);
  return {shape::like_batch(self, self.sizes, static_cast<size_t>(self.dim() - 2))};
}

/// Patches as columns: [N, C, H, W] -> [N, C kh kw, windows].
Metas im2col(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const auto axes = window::axes(call, 2);
  const auto rank = self.dim();
  require(rank == 3 || rank == 4, [&] { return "self is " + shape::text(self.sizes) + ", expected [N, C, H, W]"; });
  window::require_elements(self.sizes, 1);
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
  window::require_elements(self.sizes, static_cast<size_t>(rank - 2));
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

}  // namespace

std::span<const Operator> rearranging_operators() {
  namespace as = decompositions;
  static constexpr Operator table[] = {
      {.name = "aten::pixel_shuffle",
       .meta = pixel_shuffle,
       .decompose = expand<&as::pixel_shuffle>,
       .kept_by_default = true},
      {.name = "aten::pixel_unshuffle",
       .meta = pixel_unshuffle,
       .decompose = expand<&as::pixel_unshuffle>,
       .kept_by_default = true},
      {.name = "aten::channel_shuffle", .meta = channel_shuffle, .decompose = expand<&as::channel_shuffle>},
      {.name = "aten::im2col", .meta = im2col, .decompose = expand<&as::im2col>},
      {.name = "aten::col2im", .meta = col2im, .decompose = expand<&as::col2im>},
  };
  return table;
}

}  // namespace tracejet
