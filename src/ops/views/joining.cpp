// Copies of tensors, as they are, repeated or joined.
// PyTorch: aten/src/ATen/native/TensorShape.cpp (cat, repeat), aten/src/ATen/native/TensorConversions.cpp (_to_copy),
// aten/src/ATen/native/TensorFactories.cpp (clone), aten/src/ATen/native/TensorTransformations.cpp (flip).
#include "ops/families.h"
#include "ops/shape/order.h"
#include "ops/shape/promotion.h"
#include "ops/shape/shape.h"
#include "ops/views/decompositions.h"
#include "ops/views/joining_decompositions.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

Metas clone(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::like(self, self.dtype, call.memory_format().value_or(c10::MemoryFormat::Preserve))};
}

Metas to_copy(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const auto format = call.memory_format().value_or(c10::MemoryFormat::Preserve);
  TensorMeta meta = shape::like(self, call.dtype().value_or(self.dtype), format);
  meta.device = call.device().value_or(self.device);
  return {meta};
}

Metas flip(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::like(self, self.dtype)};
}

Metas repeat(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  Sizes sizes = call.sym_ints("repeats");
  if (sizes.size() < self.sizes.size()) throw ShapeError("repeat needs a number for each axis of " + self.str());
  const size_t added = sizes.size() - self.sizes.size();
  for (size_t axis = 0; axis < self.sizes.size(); ++axis) sizes[added + axis] = sizes[added + axis] * self.sizes[axis];
  return {shape::contiguous(std::move(sizes), self.dtype, self.device)};
}

/// cat has always ignored 1-dimensional tensors without elements.
bool is_skipped_by_cat(const TensorMeta& tensor) { return tensor.dim() == 1 && shape::known_equal(tensor.sizes[0], 0); }

/// The format that all inputs suggest; row-major if they disagree.
shape::SuggestedFormat common_format(const std::vector<const TensorMeta*>& tensors) {
  auto [format, may_differ] = shape::suggested_format(*tensors[0]);
  bool all_agree = true;
  for (const TensorMeta* tensor : tensors) {
    const auto other = shape::suggested_format(*tensor);
    all_agree = all_agree && other.format == format;
    may_differ = may_differ || other.may_differ;
  }
  return {all_agree ? format : c10::MemoryFormat::Contiguous, may_differ};
}

Metas cat(const Call& call) {
  const auto tensors = call.tensors("tensors");
  promotion::ResultType dtype;
  const TensorMeta* first = nullptr;
  for (const TensorMeta* tensor : tensors) {
    dtype.add(*tensor);
    if (first == nullptr && !is_skipped_by_cat(*tensor)) first = tensor;
  }
  if (tensors.empty()) throw ShapeError("cat needs at least one tensor");
  if (first == nullptr) return {shape::contiguous({0}, dtype.get(), tensors[0]->device)};
  const int64_t joined = call.axis("dim", first->dim());
  Sizes sizes = first->sizes;
  sizes[joined] = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorMeta& tensor = *tensors[i];
    if (is_skipped_by_cat(tensor)) continue;
    if (tensor.dim() != first->dim() || tensor.sizes.empty()) {
      throw ShapeError("cat needs tensors of the same rank: input " + std::to_string(i) + " is " +
                       shape::text(tensor.sizes) + ", others are " + shape::text(first->sizes));
    }
    for (int64_t axis = 0; axis < tensor.dim(); ++axis) {
      if (axis == joined) {
        sizes[axis] = sizes[axis] + tensor.sizes[axis];
      } else if (!shape::fits(sizes[axis], tensor.sizes[axis])) {
        throw ShapeError("sizes must match except on axis " + std::to_string(joined) + ": input " + std::to_string(i) +
                         " is " + shape::text(tensor.sizes) + ", others are " + shape::text(first->sizes));
      }
    }
  }
  return {shape::in_format(std::move(sizes), common_format(tensors), dtype.get(), first->device)};
}

}  // namespace

std::span<const Operator> joining_operators() {
  namespace to = decompositions;
  static constexpr Operator table[] = {
      // Copies
      {.name = "aten::_to_copy", .meta = to_copy},
      {.name = "aten::cat", .meta = cat},
      {.name = "aten::clone", .meta = clone},
      {.name = "aten::flip", .meta = flip},
      {.name = "aten::repeat", .meta = repeat},
      {.name = "aten::roll", .decompose = expand<&to::roll>},
      {.name = "aten::rot90", .decompose = expand<&to::rot90>},

      // Joining
      {.name = "aten::_chunk_cat", .decompose = expand<&to::chunk_cat>},
      {.name = "aten::block_diag", .decompose = expand<&to::block_diag>},
      {.name = "aten::stack", .decompose = expand<&to::stack>},

      // Matrices with much 0 in them
      {.name = "aten::diag_embed", .decompose = expand<&to::diag_embed>},
      {.name = "aten::diagonal_copy", .decompose = expand<&to::diagonal_copy>},
      {.name = "aten::diagonal_scatter", .decompose = expand<&to::diagonal_scatter>},
      {.name = "aten::trace", .decompose = expand<&to::trace>},
      {.name = "aten::tril", .decompose = expand<&to::tril>},
      {.name = "aten::triu", .decompose = expand<&to::triu>},
  };
  return table;
}

}  // namespace tracejet
