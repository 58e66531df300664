// Borders: padding by a number, by mirroring, by repeating.
// PyTorch: aten/src/ATen/native/PadNd.cpp (constant_pad_nd), aten/src/ATen/native/ReflectionPad.cpp,
// aten/src/ATen/native/ReplicationPadding.cpp.
#include "ops/families.h"
#include "ops/refusal.h"
#include "ops/resampling/decompositions.h"
#include "ops/shape/shape.h"
#include "ops/shape/window.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

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
    c10::SymInt left = size;  // PyTorch crops before it pads
    for (const c10::SymInt& pad : {padding[i].before, padding[i].after}) {
      if (known_negative(pad)) left = left + pad;
    }
    size = size + padding[i].before + padding[i].after;
    only_crops = only_crops && known_at_most_zero(padding[i].before) && known_at_most_zero(padding[i].after);
    if (!known_negative(padding[i].before) && !known_negative(padding[i].after)) continue;
    require(left.sym_ge(0),
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
  window::require_elements(self.sizes, rank - spatial - 1);
  Sizes sizes = self.sizes;
  c10::SymBool leaves_something = false;
  for (size_t i = 0; i < spatial; ++i) {
    c10::SymInt& size = sizes[rank - spatial + i];
    if (mirrored) require(padding[i].before.sym_lt(size), message);
    if (mirrored) require(padding[i].after.sym_lt(size), message);
    size = size + padding[i].before + padding[i].after;
    require(size.sym_ge(0), message);
    leaves_something = leaves_something.sym_or(size.sym_ge(1));
  }
  require(leaves_something, message);  // on one axis at least
  return shape::like_batch(self, std::move(sizes), spatial);
}

Metas reflection_pad(const Call& call) { return {bordered(call, /*mirrored=*/true)}; }
Metas replication_pad(const Call& call) { return {bordered(call, /*mirrored=*/false)}; }

}  // namespace

std::span<const Operator> padding_operators() {
  namespace as = decompositions;
  static constexpr Operator table[] = {
      {.name = "aten::constant_pad_nd", .meta = constant_pad},
      {.name = "aten::reflection_pad1d", .meta = reflection_pad},
      {.name = "aten::reflection_pad2d", .meta = reflection_pad},
      {.name = "aten::reflection_pad3d", .meta = reflection_pad},
      {.name = "aten::replication_pad1d",
       .meta = replication_pad,
       .decompose = expand<&as::replication_pad1d>,
       .kept_by_default = true},
      {.name = "aten::replication_pad2d", .meta = replication_pad},
      {.name = "aten::replication_pad3d", .meta = replication_pad},
      {.name = "aten::_pad_circular", .decompose = expand<&as::pad_circular>},
  };
  return table;
}

}  // namespace tracejet
