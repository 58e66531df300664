// PyTorch: aten/src/ATen/native/TensorAdvancedIndexing.cpp, aten/src/ATen/native/TensorShape.cpp (select_scatter,
// slice_scatter), aten/src/ATen/native/TensorCompare.cpp (isin), aten/src/ATen/native/Itertools.cpp (combinations),
// aten/src/ATen/native/EmbeddingBag.cpp (embedding_bag), torch/_decomp/decompositions.py (_unsafe_masked_index,
// _unsafe_masked_index_put_accumulate).
#include "ops/indexing/decompositions.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_embedding_bag.h>
#include <ATen/ops/any.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/cumsum.h>
#include <ATen/ops/div.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/ge.h>
#include <ATen/ops/index.h>
#include <ATen/ops/index_put.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/le.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/lt.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/ne.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/remainder.h>
#include <ATen/ops/reshape.h>
#include <ATen/ops/select.h>
#include <ATen/ops/slice.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/unsqueeze.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "ops/numbers.h"
#include "ops/refusal.h"
#include "ops/shape/part.h"
#include "ops/shape/shape.h"
#include "symbolic/sym_node.h"

namespace tracejet::decompositions {

Indices index_along(int64_t axis, const at::Tensor& index) {
  Indices indices;
  for (int64_t before = 0; before < axis; ++before) indices.push_back(std::nullopt);
  indices.push_back(index);
  return indices;
}

namespace {

/// 0, 1, … size - 1, laid along `axis` of `self` so that it can be broadcast with it.
at::Tensor positions_along(const at::Tensor& self, int64_t axis) {
  const at::Tensor positions = counted(self.sym_size(axis), self);
  std::vector<int64_t> sizes(self.dim(), 1);
  sizes[axis] = -1;
  return positions.view(sizes);
}

/// Puts values at positions of one axis; a 0-dim tensor is treated as one of a single element.
at::Tensor put_along(const at::Tensor& self, int64_t dim, const at::Tensor& index, const at::Tensor& values,
                     bool accumulate) {
  const at::Tensor list = index.dim() == 0 ? at::unsqueeze(index, 0) : index;
  if (self.dim() == 0) {
    return at::index_put(at::unsqueeze(self, 0), index_along(0, list), values, accumulate).squeeze(0);
  }
  return at::index_put(self, index_along(shape::wrap_axis(dim, self.dim()), list), values, accumulate);
}

/// A source for put_along: where the index is 0-dim, the source may lack the axis.
at::Tensor with_axis(const at::Tensor& source, const at::Tensor& self, int64_t dim) {
  return source.dim() < self.dim() ? at::unsqueeze(source, shape::wrap_axis(dim, self.dim())) : source;
}

/// What index_add and index_copy read: of the sizes of self, but along `dim`, where it has one part for each index.
void require_source(const at::Tensor& self, int64_t dim, const at::Tensor& index, const at::Tensor& source) {
  const auto message = [&] {
    return "self is " + shape::text(self.sym_sizes()) + ", index is " + shape::text(index.sym_sizes()) +
           " and source is " + shape::text(source.sym_sizes()) +
           ", expected an index for each part of source, which has the sizes of self on the other axes";
  };
  require(source.scalar_type() == self.scalar_type(), [&] {
    return std::string("source is ") + at::toString(source.scalar_type()) + ", expected " +
           at::toString(self.scalar_type()) + ", as self is";
  });
  require(index.dim() <= 1 && at::isIntegralType(index.scalar_type(), /*includeBool=*/false), message);
  const int64_t axis = shape::wrap_axis(dim, source.dim());
  require_equal_sizes(source.dim() == 0 ? 1 : source.sym_size(axis), index.sym_numel(), message);
  if (source.dim() != self.dim()) return;
  for (int64_t other = 0; other < self.dim(); ++other) {
    if (other != axis) require_equal_sizes(source.sym_size(other), self.sym_size(other), message);
  }
}

/// index_copy takes a single number for a vector, and a vector for a single number, too.
bool is_number_beside_vector(const at::Tensor& self, const at::Tensor& source) {
  return std::max(self.dim(), source.dim()) == 1 && std::min(self.dim(), source.dim()) == 0;
}

/// An axis without elements takes no index.
void require_place(const at::Tensor& self, const c10::SymInt& size, const c10::SymInt& indices) {
  require(indices.min(1).sym_le(size),
          [&] { return "self is " + shape::text(self.sym_sizes()) + ", with nothing to index"; });
}

void require_list(const at::Tensor& index) {
  require(index.dim() <= 1 && index.scalar_type() == at::kLong, [&] {
    return std::string("index is ") + at::toString(index.scalar_type()) + " of " + shape::text(index.sym_sizes()) +
           ", expected int64 along one axis";
  });
}

void require_rank(const at::Tensor& self, const at::Tensor& source, bool is_number_taken) {
  require(self.dim() == source.dim() || (is_number_taken && is_number_beside_vector(self, source)), [&] {
    return "self is " + shape::text(self.sym_sizes()) + " and source is " + shape::text(source.sym_sizes()) +
           ", expected as many axes";
  });
}

at::Tensor as_type_of(const at::Tensor& values, const at::Tensor& self) {
  return values.scalar_type() == self.scalar_type() ? values : values.to(self.scalar_type());
}

}  // namespace

// Reading ------------------------------------------------------------------------------------------------------------

at::Tensor combinations(const at::Tensor& self, int64_t r, bool with_replacement) {
  require(self.dim() == 1 && r >= 0, [&] {
    return "expected a vector and r of at least 0, got " + shape::text(self.sym_sizes()) + " and " + std::to_string(r);
  });
  if (r == 0) return at::empty({0}, self.options());
  // Rows of positions that go up; each of the r axes is one position's.
  const at::Tensor positions = counted(self.sym_size(0), self);
  const auto along_axis = [&](int64_t axis) {
    std::vector<int64_t> sizes(r, 1);
    sizes[axis] = -1;
    return positions.view(sizes);
  };
  at::Tensor goes_up = at::ge(along_axis(0), 0);
  for (int64_t axis = 0; axis + 1 < r; ++axis) {
    const at::Tensor first = along_axis(axis), second = along_axis(axis + 1);
    goes_up = at::logical_and(goes_up, with_replacement ? at::le(first, second) : at::lt(first, second));
  }
  const at::Tensor chosen = at::nonzero(goes_up);
  return at::index_select(self, 0, chosen.reshape({-1})).view_symint({chosen.sym_size(0), r});
}

at::Tensor isin(const at::Tensor& elements, const at::Tensor& test_elements, bool /*assume_unique*/, bool invert) {
  const at::Tensor equal = at::eq(at::unsqueeze(elements, -1), at::reshape(test_elements, {-1}));
  const at::Tensor found = at::any(equal, -1);
  return invert ? at::logical_not(found) : found;
}

at::Tensor isin_number(const at::Tensor& elements, const at::Scalar& test_element, bool /*assume_unique*/,
                       bool invert) {
  return invert ? at::ne(elements, test_element) : at::eq(elements, test_element);
}

at::Tensor is_number_in(const at::Scalar& element, const at::Tensor& test_elements, bool /*assume_unique*/,
                        bool invert) {
  const at::Tensor found = at::any(at::eq(test_elements, element));
  return invert ? at::logical_not(found) : found;
}

at::Tensor take(const at::Tensor& self, const at::Tensor& index) {
  return at::index(at::reshape(self, {-1}), index_along(0, index));
}

/// gather, where the other axes of both are broadcast together.
at::Tensor take_along_dim(const at::Tensor& self, const at::Tensor& indices, std::optional<int64_t> dim) {
  if (!dim) return at::gather(self.view(-1), 0, indices.view(-1));
  const int64_t axis = shape::wrap_axis(*dim, self.dim());
  if (self.dim() != indices.dim()) throw ShapeError("take_along_dim needs an index of the same rank");
  std::vector<c10::SymInt> other_self(self.sym_sizes().begin(), self.sym_sizes().end());
  std::vector<c10::SymInt> other_indices(indices.sym_sizes().begin(), indices.sym_sizes().end());
  other_self[axis] = other_indices[axis] = 1;
  Sizes self_sizes = shape::broadcast(other_self, other_indices);
  Sizes index_sizes = self_sizes;
  self_sizes[axis] = self.sym_size(axis);
  index_sizes[axis] = indices.sym_size(axis);
  const at::Tensor wide = indices.expand_symint(index_sizes);
  require_place(self, self.sym_size(axis), wide.sym_numel());
  // Eager wraps an index round the axis, however far off it is.
  const at::Tensor wrapped = at::remainder(wide, at::Scalar(self.sym_size(axis)));
  return at::gather(self.expand_symint(self_sizes), axis, wrapped);
}

at::Tensor unsafe_index(const at::Tensor& self, const Indices& indices) { return at::index(self, indices); }

namespace {

/// The indices within their axes; negative ones count from the end.
Indices clamped(const at::Tensor& self, const Indices& indices) {
  Indices result;
  for (size_t axis = 0; axis < indices.size(); ++axis) {
    const std::optional<at::Tensor> index = indices.get(axis);
    if (!index || !index->defined()) {
      result.push_back(index);
      continue;
    }
    const c10::SymInt size = self.sym_size(static_cast<int64_t>(axis));
    require_place(self, size, 1);
    result.push_back(at::clamp(*index, at::Scalar(-size), at::Scalar(size - 1)));
  }
  return result;
}

}  // namespace

at::Tensor unsafe_masked_index(const at::Tensor& self, const at::Tensor& mask, const Indices& indices,
                               const at::Scalar& fill) {
  return at::index(self, clamped(self, indices)).masked_fill(at::logical_not(mask), fill);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> embedding_bag(
    const at::Tensor& weight, const at::Tensor& indices, const at::Tensor& offsets, bool scale_grad_by_freq,
    int64_t mode, bool sparse, const std::optional<at::Tensor>& per_sample_weights, bool include_last_offset,
    int64_t padding_idx) {
  return at::_embedding_bag(weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights,
                            include_last_offset, padding_idx);
}

// Writing ------------------------------------------------------------------------------------------------------------

at::Tensor index_add(const at::Tensor& self, int64_t dim, const at::Tensor& index, const at::Tensor& source,
                     const at::Scalar& alpha) {
  require_rank(self, source, /*is_number_taken=*/false);
  require_source(self, dim, index, source);
  if (self.dim() > 0) require_place(self, self.sym_size(dim), index.sym_numel());
  const bool plain = !alpha.isSymbolic() && alpha.equal(1);
  const at::Tensor values = with_axis(source, self, dim);
  return put_along(self, dim, index, plain ? values : at::mul(values, alpha), /*accumulate=*/true);
}

at::Tensor index_copy(const at::Tensor& self, int64_t dim, const at::Tensor& index, const at::Tensor& source) {
  require_rank(self, source, /*is_number_taken=*/true);
  require_source(self, dim, index, source);
  return put_along(self, dim, index, with_axis(source, self, dim), /*accumulate=*/false);
}

at::Tensor index_fill(const at::Tensor& self, int64_t dim, const at::Tensor& index, const at::Scalar& value) {
  require_list(index);
  return put_along(self, dim, index, scalar_like(self, value), /*accumulate=*/false);
}

at::Tensor index_fill_tensor(const at::Tensor& self, int64_t dim, const at::Tensor& index, const at::Tensor& value) {
  require_list(index);
  require(value.dim() == 0, [&] { return "value is " + shape::text(value.sym_sizes()) + ", expected no axes"; });
  return put_along(self, dim, index, as_type_of(value, self), /*accumulate=*/false);
}

/// The n-th true element of the mask takes the n-th element of the source.
at::Tensor masked_scatter(const at::Tensor& self, const at::Tensor& mask, const at::Tensor& source) {
  require(mask.scalar_type() == at::kBool && source.scalar_type() == self.scalar_type(), [&] {
    return "mask is " + std::string(at::toString(mask.scalar_type())) + " and source is " +
           at::toString(source.scalar_type()) + ", expected Bool and " + at::toString(self.scalar_type());
  });
  const Sizes sizes = shape::broadcast(self.sym_sizes(), mask.sym_sizes());
  const at::Tensor wide = at::reshape(mask.expand_symint(sizes), {-1});
  // Place 0 is for elements that stay: a source may be empty where the mask has nothing.
  const at::Tensor places = at::mul(at::cumsum(wide, 0), wide);
  const at::Tensor given = at::cat({at::zeros({1}, source.options()), at::reshape(source, {-1})});
  const at::Tensor taken = at::index_select(given, 0, places);
  return at::where(mask, at::reshape_symint(taken, sizes), self);
}

at::Tensor select_scatter(const at::Tensor& self, const at::Tensor& src, int64_t dim, c10::SymInt index) {
  const int64_t axis = shape::wrap_axis(dim, self.dim());
  shape::require_part(src, at::select_symint(self, axis, index).sym_sizes());
  const at::Tensor positions = positions_along(self, axis);
  const auto at_position = [&](const c10::SymInt& position) { return at::eq(positions, at::Scalar(position)); };
  const c10::SymInt size = self.sym_size(axis);
  at::Tensor selected;
  if (!symbolic::hint_of(index)) {  // of data: which of the two is in the tensor, only the run tells
    selected = at::logical_or(at_position(index), at_position(index + size));
  } else {
    selected = at_position(shape::from_start(index, size));
  }
  return at::where(selected, as_type_of(at::unsqueeze(src, axis), self), self);
}

namespace {

/// Without gaps, and as long as what it replaces: what is before the slice, the source, what is behind it.
at::Tensor replace_part(const at::Tensor& self, const at::Tensor& src, int64_t axis, const shape::Range& range) {
  const c10::SymInt size = self.sym_size(axis);
  std::vector<at::Tensor> parts;
  if (!shape::known_equal(range.start, 0)) parts.push_back(at::slice_symint(self, axis, 0, range.start));
  parts.push_back(src);
  if (!shape::known_equal(range.end, size)) parts.push_back(at::slice_symint(self, axis, range.end, size));
  return parts.size() == 1 ? src : at::cat(parts, axis);
}

/// With gaps: each position of the slice looks up its element of the source.
at::Tensor replace_steps(const at::Tensor& self, const at::Tensor& src, int64_t axis, const shape::Range& range,
                         const c10::SymInt& step) {
  const at::Tensor offset = at::sub(positions_along(self, axis), at::Scalar(range.start));
  const at::Tensor inside = at::logical_and(at::ge(offset, 0), at::lt(offset, at::Scalar(range.end - range.start)));
  const at::Tensor hit = at::logical_and(inside, at::eq(at::remainder(offset, at::Scalar(step)), 0));
  const at::Tensor place = at::reshape(at::div(offset, at::Scalar(step), "floor"), {-1});
  const auto length = symbolic::expression_of(src.sym_size(axis));
  if (length && length->range().min > 0) {
    const at::Tensor within = at::clamp(place, 0, at::Scalar(src.sym_size(axis) - 1));
    return at::where(hit, at::index_select(src, axis, within), self);
  }
  // Nothing is looked up in an empty source: behind its elements is one that nobody takes.
  const at::Tensor source = at::cat({src, at::slice_symint(self, axis, 0, 1)}, axis);
  const at::Tensor within = at::clamp(place, 0, at::Scalar(src.sym_size(axis)));
  return at::where(hit, at::index_select(source, axis, within), self);
}

}  // namespace

at::Tensor slice_scatter(const at::Tensor& self, const at::Tensor& src, int64_t dim, std::optional<c10::SymInt> start,
                         std::optional<c10::SymInt> end, c10::SymInt step) {
  const int64_t axis = shape::wrap_axis(dim, self.dim());
  const shape::Range range = shape::slice_range(start, end, self.sym_size(axis));
  Sizes replaced(self.sym_sizes());
  replaced[axis] = shape::ceil_div(range.end - range.start, step);
  shape::require_part(src, replaced);
  if (shape::known_equal(replaced[axis], 0)) return self;
  const at::Tensor values = as_type_of(src, self);
  const c10::SymInt size = self.sym_size(axis);
  const bool is_whole = shape::known_equal(range.start + src.sym_size(axis) + (size - range.end), size);
  return is_whole && shape::known_equal(step, 1) ? replace_part(self, values, axis, range)
                                                 : replace_steps(self, values, axis, range, step);
}

at::Tensor unsafe_index_put(const at::Tensor& self, const Indices& indices, const at::Tensor& values, bool accumulate) {
  return at::index_put(self, indices, values, accumulate);
}

at::Tensor unsafe_masked_index_put_accumulate(const at::Tensor& self, const at::Tensor& mask, const Indices& indices,
                                              const at::Tensor& values) {
  const at::Tensor kept = values.masked_fill(at::logical_not(mask), 0);
  return at::index_put(self, clamped(self, indices), kept, /*accumulate=*/true);
}

}  // namespace tracejet::decompositions
