// Views of the same elements in another shape.
// PyTorch: aten/src/ATen/native/TensorShape.cpp, aten/src/ATen/native/TensorConversions.cpp (view_dtype),
// aten/src/ATen/native/UnaryOps.cpp (view_as_real, view_as_complex).
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

}  // namespace

std::span<const Operator> view_operators() {
  namespace to = decompositions;
  static constexpr Operator table[] = {
      // `view` is what remains of every reshape: its target says all.
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
  };
  return table;
}

}  // namespace tracejet
