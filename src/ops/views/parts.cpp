// Views of parts: indices, slices, diagonals.
// PyTorch: aten/src/ATen/native/TensorShape.cpp.
#include <algorithm>

#include "ops/families.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"
#include "ops/views/decompositions.h"
#include "ops/views/joining_decompositions.h"
#include "symbolic/sym_node.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

Metas select(const Call& call) {
  TensorMeta meta = call.tensor("self");
  if (meta.sizes.empty()) throw ShapeError("select needs an axis, and a 0-dim tensor has none");
  const int64_t axis = call.axis("dim", meta.dim());
  const c10::SymInt given = call.sym_int("index"), size = meta.sizes[axis];
  if (!symbolic::hint_of(given)) {
    // Where it counts from is known when the program runs; that it fits is what the program then checks.
    require((given.sym_ge(-size)).sym_and(given.sym_lt(size)).expect_true(__FILE__, __LINE__),
            [&] { return "the index is outside axis " + std::to_string(axis) + " of " + meta.str(); });
    meta.sizes.erase(meta.sizes.begin() + axis);
    meta.strides.erase(meta.strides.begin() + axis);
    return {meta};
  }
  // n - 1 of nothing is outside, however it is counted.
  const bool is_plain = symbolic::follows((given + size).sym_lt(0), given.sym_lt(0));
  const c10::SymInt index = is_plain ? given : shape::from_start(given, size);
  require(index.sym_ge(0).sym_and(index.sym_lt(size)),
          [&] { return "the index is outside axis " + std::to_string(axis) + " of " + meta.str(); });
  meta.storage_offset = meta.storage_offset + index * meta.strides[axis];
  meta.sizes.erase(meta.sizes.begin() + axis);
  meta.strides.erase(meta.strides.begin() + axis);
  return {meta};
}

Metas slice(const Call& call) {
  TensorMeta meta = call.tensor("self");
  if (meta.sizes.empty()) throw ShapeError("slice needs an axis, and a 0-dim tensor has none");
  const int64_t axis = call.axis("dim", meta.dim());
  const c10::SymInt size = meta.sizes[axis], step = call.sym_int("step");
  const shape::Range range = shape::slice_range(call.optional_sym_int("start"), call.optional_sym_int("end"), size);
  meta.sizes[axis] = shape::ceil_div(range.end - range.start, step);
  meta.storage_offset = meta.storage_offset + range.start * meta.strides[axis];
  meta.strides[axis] = meta.strides[axis] * step;
  return {meta};
}

Metas split_with_sizes(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const int64_t axis = call.axis("dim", self.dim());
  Metas parts;
  c10::SymInt start = 0;
  for (const c10::SymInt& size : call.sym_ints("split_sizes")) {
    TensorMeta part = self;
    part.sizes[axis] = size;
    part.storage_offset = self.storage_offset + start * self.strides[axis];
    parts.push_back(std::move(part));
    start = start + size;
  }
  shape::require_equal(start, self.sizes[axis], "the sum of split_sizes and the size of the axis");
  return parts;
}

Metas diagonal(const Call& call) {
  TensorMeta meta = call.tensor("self");
  const int64_t first = call.axis("dim1", meta.dim()), second = call.axis("dim2", meta.dim());
  if (first == second) throw ShapeError("a diagonal needs two different axes");
  const int64_t offset = call.integer("offset");
  const c10::SymInt rows = meta.sizes[first] + std::min<int64_t>(offset, 0);
  const c10::SymInt columns = meta.sizes[second] - std::max<int64_t>(offset, 0);
  const c10::SymInt length = rows.min(columns).max(0);
  const c10::SymInt stride = meta.strides[first] + meta.strides[second];
  const int64_t skipped = offset >= 0 ? second : first;
  if (!shape::known_equal(length, 0)) {
    meta.storage_offset = meta.storage_offset + meta.strides[skipped] * std::abs(offset);
  }
  for (int64_t axis : {std::max(first, second), std::min(first, second)}) {
    meta.sizes.erase(meta.sizes.begin() + axis);
    meta.strides.erase(meta.strides.begin() + axis);
  }
  meta.sizes.push_back(length);
  meta.strides.push_back(stride);
  return {meta};
}

}  // namespace

std::span<const Operator> part_operators() {
  namespace to = decompositions;
  static constexpr Operator table[] = {
      {.name = "aten::diagonal", .meta = diagonal},
      {.name = "aten::diff", .decompose = expand<&to::diff>},
      {.name = "aten::narrow", .decompose = expand<&to::narrow>},
      {.name = "aten::select.int", .meta = select},
      {.name = "aten::slice.Tensor", .meta = slice},
      {.name = "aten::split.Tensor", .decompose = expand<&to::split>},
      {.name = "aten::split_with_sizes", .meta = split_with_sizes},
      {.name = "aten::tensor_split.sections", .decompose = expand<&to::tensor_split>},
      {.name = "aten::tensor_split.tensor_indices_or_sections", .decompose = expand<&to::tensor_split_by_data>},
      {.name = "aten::unsafe_chunk", .decompose = expand<&to::unsafe_chunk>},
      {.name = "aten::unbind.int", .decompose = expand<&to::unbind>},
      {.name = "aten::unfold", .decompose = expand<&to::unfold>},
      {.name = "aten::unfold_copy", .decompose = expand<&to::unfold>},
      {.name = "aten::unsafe_split.Tensor", .decompose = expand<&to::split>},
      {.name = "aten::unsafe_split_with_sizes", .decompose = expand<&to::unsafe_split_with_sizes>},
  };
  return table;
}

}  // namespace tracejet
