// Operators that show, cut, join or repeat their input without computing anything from it.
#include <algorithm>

#include "ops/families.h"
#include "ops/refusal.h"
#include "ops/shape/order.h"
#include "ops/shape/promotion.h"
#include "ops/views/decompositions.h"
#include "ops/views/joining_decompositions.h"
#include "symbolic/sym_node.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

// The same elements in another shape ---------------------------------------------------------------------------------

Metas view(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  Sizes sizes = shape::infer_size(call.sym_ints("size"), self.sizes);
  auto strides = shape::view_strides(self, sizes);
  if (!strides) {
    throw ShapeError(self.str() + " can't be viewed as " + shape::text(sizes) + " without a copy: use reshape");
  }
  return {shape::view_of(self, std::move(sizes), std::move(*strides))};
}

/// A view where the strides bear it, else a copy.
Metas reshape(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  Sizes sizes = shape::infer_size(call.sym_ints("shape"), self.sizes);
  if (auto strides = shape::view_strides(self, sizes)) {
    return {shape::view_of(self, std::move(sizes), std::move(*strides))};
  }
  return {shape::contiguous(std::move(sizes), self.dtype, self.device)};
}

Metas view_as_dtype(const Call& call) {
  TensorMeta meta = call.tensor("self");
  const auto from = static_cast<int64_t>(c10::elementSize(meta.dtype));
  meta.dtype = call.dtype().value();
  const auto to = static_cast<int64_t>(c10::elementSize(meta.dtype));
  if (from == to) return {meta};
  if (meta.sizes.empty()) throw ShapeError("a 0-dim tensor can't be viewed as a dtype of another size");
  for (int64_t axis = 0; axis + 1 < meta.dim(); ++axis) meta.strides[axis] = meta.strides[axis] * from / to;
  meta.sizes.back() = meta.sizes.back() * from / to;
  meta.storage_offset = meta.storage_offset * from / to;
  return {meta};
}

Metas as_strided(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  TensorMeta meta = shape::view_of(self, call.sym_ints("size"), call.sym_ints("stride"));
  if (auto offset = call.optional_sym_int("storage_offset")) meta.storage_offset = *offset;
  return {meta};
}

Metas permute(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const auto axes = call.axes("dims", self.dim());
  if (axes.size() != self.sizes.size()) {
    throw ShapeError("permute names " + std::to_string(axes.size()) + " axes of " + std::to_string(self.dim()));
  }
  Sizes sizes, strides;
  std::vector<bool> seen(axes.size());
  for (int64_t axis : axes) {
    if (seen[axis]) throw ShapeError("permute names axis " + std::to_string(axis) + " twice");
    seen[axis] = true;
    sizes.push_back(self.sizes[axis]);
    strides.push_back(self.strides[axis]);
  }
  return {shape::view_of(self, std::move(sizes), std::move(strides))};
}

Metas expand_view(const Call& call) { return {shape::expanded(call.tensor("self"), call.sym_ints("size"))}; }

Metas unsqueeze(const Call& call) {
  TensorMeta meta = call.tensor("self");
  const int64_t axis = call.axis("dim", meta.dim() + 1);
  const bool last = axis == meta.dim();
  meta.strides.insert(meta.strides.begin() + axis, last ? c10::SymInt(1) : meta.sizes[axis] * meta.strides[axis]);
  meta.sizes.insert(meta.sizes.begin() + axis, 1);
  return {meta};
}

/// Whether the axis is 1, so that squeeze drops it. The rank of the result depends on it, and with it what the model
/// does afterwards, so the question is as good as the model's own.
bool is_droppable(const c10::SymInt& size) {
  const auto expression = symbolic::expression_of(size);
  if (!expression || expression->is_constant()) return shape::equal(size, 1);
  return symbolic::context_of(*size.toSymNodeImplUnowned())->guard_branch(symbolic::equal(*expression, 1));
}

Metas squeezed(const TensorMeta& self, const std::vector<bool>& candidates) {
  Sizes sizes, strides;
  for (size_t axis = 0; axis < self.sizes.size(); ++axis) {
    if (candidates[axis] && is_droppable(self.sizes[axis])) continue;
    sizes.push_back(self.sizes[axis]);
    strides.push_back(self.strides[axis]);
  }
  return {shape::view_of(self, std::move(sizes), std::move(strides))};
}

Metas squeeze(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return squeezed(self, std::vector<bool>(self.sizes.size(), true));
}

/// An axis that may be 1 at some of the declared sizes: the operator drops it there and nowhere else.
bool may_drop_other_axes(c10::ArrayRef<c10::IValue> arguments) {
  return std::ranges::any_of(arguments[0].toTensor().sym_sizes(), [](const c10::SymInt& size) {
    return size.is_symbolic() && !size.sym_ne(1).statically_known_true(__FILE__, __LINE__);
  });
}

Metas squeeze_axes(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  std::vector<bool> candidates(std::max<int64_t>(self.dim(), 1));
  for (int64_t axis : call.axes("dim", self.dim())) candidates[axis] = true;
  return squeezed(self, candidates);
}

Metas view_as_real(const Call& call) {
  TensorMeta meta = call.tensor("self");
  for (c10::SymInt& stride : meta.strides) stride = stride * 2;
  meta.sizes.push_back(2);
  meta.strides.push_back(1);
  meta.storage_offset = meta.storage_offset * 2;
  meta.dtype = promotion::to_real(meta.dtype);
  return {meta};
}

Metas view_as_complex(const Call& call) {
  TensorMeta meta = call.tensor("self");
  if (meta.sizes.empty() || !shape::equal(meta.sizes.back(), 2)) {
    throw ShapeError("the last axis of " + meta.str() + " must hold the real and the imaginary part");
  }
  meta.sizes.pop_back();
  meta.strides.pop_back();
  for (c10::SymInt& stride : meta.strides) stride = stride / 2;
  meta.storage_offset = meta.storage_offset / 2;
  meta.dtype = c10::toComplexType(meta.dtype);
  return {meta};
}

// Parts --------------------------------------------------------------------------------------------------------------

/// A negative index counts from the end; guards whether it is.
c10::SymInt from_start(const c10::SymInt& index, const c10::SymInt& size) {
  return index.sym_lt(0).guard_bool(__FILE__, __LINE__) ? index + size : index;
}

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
  const c10::SymInt index = from_start(given, size);
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

// Copies -------------------------------------------------------------------------------------------------------------

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

std::span<const Operator> view_operators() {
  namespace to = decompositions;
  static constexpr Operator table[] = {
      // The same elements in another shape. `view` is what remains of every reshape: its target says all.
      {.name = "aten::_reshape_alias", .decompose = expand<&to::reshape_alias>},
      {.name = "aten::_unsafe_view", .decompose = expand<&to::unsafe_view>},
      {.name = "aten::alias", .decompose = expand<&to::alias>},
      {.name = "aten::as_strided", .meta = as_strided},
      {.name = "aten::is_same_size", .decompose = expand<&to::is_same_size>},
      {.name = "aten::_has_same_storage_numel", .decompose = expand<&to::has_same_storage_numel>},
      {.name = "aten::detach", .decompose = expand<&to::itself>},
      {.name = "aten::broadcast_tensors", .decompose = expand<&to::broadcast_tensors>},
      {.name = "aten::expand", .meta = expand_view},
      {.name = "aten::expand_as", .decompose = expand<&to::expand_as>},
      {.name = "aten::flatten.using_ints", .decompose = expand<&to::flatten>},
      {.name = "aten::lift_fresh", .decompose = expand<&to::itself>},
      {.name = "aten::lift_fresh_copy", .decompose = expand<&to::itself>},
      {.name = "aten::permute", .meta = permute},
      {.name = "aten::reshape",
       .meta = reshape,  // of programs for other devices than the CPU
       .decompose = expand<&to::reshape>},
      {.name = "aten::resize_as", .decompose = expand<&to::resize_as>},
      {.name = "aten::squeeze",
       .meta = squeeze,
       .decompose = expand<&to::squeeze>,
       .skip_decomposition_if = may_drop_other_axes},
      {.name = "aten::squeeze.dim", .meta = squeeze_axes},
      {.name = "aten::squeeze.dims", .meta = squeeze_axes},
      {.name = "aten::t", .decompose = expand<&to::t>},
      {.name = "aten::transpose.int", .decompose = expand<&to::transpose>},
      {.name = "aten::unsqueeze", .meta = unsqueeze},
      {.name = "aten::view", .meta = view},
      {.name = "aten::view.dtype", .meta = view_as_dtype},
      {.name = "aten::view_as_complex", .meta = view_as_complex},
      {.name = "aten::view_as_real", .meta = view_as_real},

      // Parts
      {.name = "aten::diagonal", .meta = diagonal},
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
