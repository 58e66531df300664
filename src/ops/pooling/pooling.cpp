// Pooling over one, two and three spatial axes. One-axis forms are composites of ATen over the two-axis ones.
// PyTorch: aten/src/ATen/native/DilatedMaxPool2d.cpp, aten/src/ATen/native/DilatedMaxPool3d.cpp,
// aten/src/ATen/native/AveragePool2d.cpp, aten/src/ATen/native/AveragePool3d.cpp,
// aten/src/ATen/native/AdaptiveAveragePooling.cpp, aten/src/ATen/native/AdaptiveAveragePooling3d.cpp,
// aten/src/ATen/native/AdaptiveMaxPooling2d.cpp, aten/src/ATen/native/AdaptiveMaxPooling3d.cpp,
// aten/src/ATen/native/FractionalMaxPool2d.cpp, aten/src/ATen/native/FractionalMaxPool3d.cpp.
#include "ops/families.h"
#include "ops/pooling/decompositions.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"
#include "ops/shape/window.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

/// [N, C, spatial...] or, without a batch, [C, spatial...].
const TensorMeta& pooled_input(const Call& call, size_t spatial) {
  const TensorMeta& self = call.tensor("self");
  const auto rank = static_cast<size_t>(self.dim());
  require(rank == spatial + 1 || rank == spatial + 2, [&] {
    return "self is " + shape::text(self.sizes) + ", expected [N, C] or [C] and " + std::to_string(spatial) +
           " spatial axes";
  });
  return self;
}

/// The same, of a kernel that lets nothing but the batch be empty.
const TensorMeta& pooled_nonempty(const Call& call, size_t spatial) {
  const TensorMeta& self = pooled_input(call, spatial);
  window::require_elements(self.sizes, self.sizes.size() - spatial - 1);
  return self;
}

/// Which kernels write channels-last; the others always write row-major.
enum class Layout { kLikeInput, kRowMajor };

/// A batch may be channels-last; a single image or volume isn't.
TensorMeta pooled(const TensorMeta& self, Sizes sizes, size_t spatial, Layout layout = Layout::kLikeInput) {
  const bool like_input = layout == Layout::kLikeInput && sizes.size() == spatial + 2;
  if (!like_input) return shape::contiguous(std::move(sizes), self.dtype, self.device);
  return shape::in_format(std::move(sizes), shape::suggested_format(self), self.dtype, self.device);
}

/// The sizes after windows have slid over the last axes.
Sizes slid(const Call& call, const TensorMeta& self, size_t spatial) {
  Sizes sizes = self.sizes;
  const auto axes = window::axes(call, spatial);
  const bool ceil = call.flag("ceil_mode");
  for (size_t i = 0; i < spatial; ++i) {
    c10::SymInt& size = sizes[sizes.size() - spatial + i];
    const window::Axis& axis = axes[i];
    require((axis.padding * 2).sym_le(axis.kernel), [&] {
      return "padding is " + shape::text({axis.padding}) + ", expected at most half of the kernel's " +
             shape::text({axis.kernel});
    });
    size = ceil ? window::count_ceil(size, axis) : window::count(size, axis);
    require(size.sym_ge(1), [&] {
      return "self is " + shape::text(self.sizes) + ", too small for a window of " + shape::text({axis.kernel}) +
             " on spatial axis " + std::to_string(i);
    });
  }
  return sizes;
}

/// Maxima, and where in the input's plane or volume they are.
Metas with_indices(TensorMeta values) {
  TensorMeta indices = values;
  indices.dtype = at::kLong;
  return {std::move(values), std::move(indices)};
}

template <size_t spatial>
Metas max_pool(const Call& call) {
  const TensorMeta& self = pooled_nonempty(call, spatial);
  return with_indices(pooled(self, slid(call, self, spatial), spatial));
}

Metas avg_pool2d(const Call& call) {
  const TensorMeta& self = pooled_nonempty(call, 2);
  return {pooled(self, slid(call, self, 2), 2)};
}

Metas avg_pool3d(const Call& call) {
  const TensorMeta& self = pooled_nonempty(call, 3);
  return {pooled(self, slid(call, self, 3), 3, Layout::kRowMajor)};
}

Sizes adaptive_sizes(const Call& call, const TensorMeta& self, size_t spatial) {
  Sizes sizes = self.sizes;
  const Sizes output = call.sym_ints("output_size");
  require(output.size() == spatial, [&] {
    return "output_size is " + shape::text(output) + ", expected " + std::to_string(spatial) + " numbers";
  });
  for (size_t i = 0; i < spatial; ++i) {
    require(output[i].sym_ge(0),
            [&] { return "output_size is " + shape::text(output) + ", expected no negative sizes"; });
    sizes[sizes.size() - spatial + i] = output[i];
  }
  return sizes;
}

template <size_t spatial>
TensorMeta adaptively_pooled(const Call& call) {
  const TensorMeta& self = pooled_input(call, spatial);
  window::require_elements(self.sizes, self.sizes.size() - spatial);
  return pooled(self, adaptive_sizes(call, self, spatial), spatial,
                spatial == 2 ? Layout::kLikeInput : Layout::kRowMajor);
}

template <size_t spatial>
Metas adaptive_avg_pool(const Call& call) {
  return {adaptively_pooled<spatial>(call)};
}

template <size_t spatial>
Metas adaptive_max_pool(const Call& call) {
  window::require_elements(call.tensor("self").sizes, 1);
  return with_indices(adaptively_pooled<spatial>(call));
}

/// Windows at places that random numbers choose, two or three for each plane or volume.
template <size_t spatial>
Metas fractional_max_pool(const Call& call) {
  const TensorMeta &self = pooled_input(call, spatial), &random = call.tensor("random_samples");
  window::require_elements(self.sizes, 1);
  const Sizes sizes = adaptive_sizes(call, self, spatial), kernel = call.sym_ints("kernel_size", spatial);
  const size_t first = sizes.size() - spatial;
  for (size_t i = 0; i < spatial; ++i) {
    require((sizes[first + i] + kernel[i] - 1).sym_le(self.sizes[first + i]), [&] {
      return "self is " + shape::text(self.sizes) + ", too small for the kernel " + shape::text(kernel) +
             " and the output " + shape::text(sizes);
    });
  }
  require_equal_sizes(random.sizes.at(1), sizes[first - 1], [&] {
    return "random_samples is " + shape::text(random.sizes) + ", expected a channel for each of " +
           shape::text(self.sizes);
  });
  return with_indices(pooled(self, sizes, spatial, Layout::kRowMajor));
}

}  // namespace

std::span<const Operator> pooling_operators() {
  static constexpr Operator table[] = {
      {.name = "aten::max_pool1d", .decompose = expand<&decompositions::max_pool1d>},
      {.name = "aten::max_pool2d_with_indices", .meta = max_pool<2>},
      {.name = "aten::max_pool3d_with_indices", .meta = max_pool<3>},
      {.name = "aten::avg_pool2d", .meta = avg_pool2d},
      {.name = "aten::avg_pool3d", .meta = avg_pool3d},
      {.name = "aten::adaptive_avg_pool2d", .decompose = expand<&decompositions::adaptive_avg_pool2d>},
      {.name = "aten::adaptive_avg_pool3d", .decompose = expand<&decompositions::adaptive_avg_pool3d>},
      {.name = "aten::_adaptive_avg_pool2d", .meta = adaptive_avg_pool<2>},
      {.name = "aten::_adaptive_avg_pool3d", .meta = adaptive_avg_pool<3>},
      {.name = "aten::adaptive_max_pool2d", .meta = adaptive_max_pool<2>},
      {.name = "aten::adaptive_max_pool3d", .meta = adaptive_max_pool<3>},
      {.name = "aten::fractional_max_pool2d", .meta = fractional_max_pool<2>},
      {.name = "aten::fractional_max_pool3d", .meta = fractional_max_pool<3>},
  };
  return table;
}

}  // namespace tracejet
