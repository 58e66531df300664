// PyTorch: aten/src/ATen/native/TensorShape.cpp, aten/src/ATen/native/TensorTransformations.cpp (roll, rot90),
// aten/src/ATen/native/TriangularOps.cpp (tril, triu), aten/src/ATen/native/ReduceOps.cpp (diff, trace),
// aten/src/ATen/native/TensorProperties.cpp (is_same_size), aten/src/ATen/native/AutogradComposite.cpp
// (_has_same_storage_numel).
#include "ops/views/decompositions.h"

#include <algorithm>
#include <numeric>

#include <ATen/ops/_local_scalar_dense.h>
#include <ATen/ops/add.h>
#include <ATen/ops/alias.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/chunk.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/diagonal.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/expand.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ge.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/le.h>
#include <ATen/ops/logical_xor.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/permute.h>
#include <ATen/ops/reshape.h>
#include <ATen/ops/resize.h>
#include <ATen/ops/select.h>
#include <ATen/ops/slice.h>
#include <ATen/ops/split_with_sizes.h>
#include <ATen/ops/squeeze.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tensor_split.h>
#include <ATen/ops/unbind.h>
#include <ATen/ops/unsqueeze.h>
#include <ATen/ops/view.h>
#include <ATen/ops/where.h>

#include "ops/numbers.h"
#include "ops/optional_tensor.h"
#include "ops/refusal.h"
#include "ops/shape/part.h"
#include "ops/shape/shape.h"

namespace tracejet::decompositions {

namespace {

std::vector<int64_t> axes_of(const at::Tensor& self) {
  std::vector<int64_t> axes(self.dim());
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

}  // namespace

bool is_same_size(const at::Tensor& self, const at::Tensor& other) {
  if (self.dim() != other.dim()) return false;
  return std::ranges::equal(self.sym_sizes(), other.sym_sizes(),
                            [](const c10::SymInt& a, const c10::SymInt& b) { return shape::equal(a, b); });
}

bool has_same_storage_numel(const at::Tensor& self, const at::Tensor& other) {
  return shape::equal(self.sym_numel(), other.sym_numel());
}

at::Tensor itself(const at::Tensor& self) { return self; }

/// Not the very same tensor: PyTorch refuses views that are their base.
at::Tensor alias(const at::Tensor& self) { return self.variable_data(); }

at::Tensor expand_as(const at::Tensor& self, const at::Tensor& other) { return self.expand_symint(other.sym_sizes()); }

std::vector<at::Tensor> broadcast_tensors(at::TensorList tensors) {
  Sizes sizes;
  for (const at::Tensor& tensor : tensors) sizes = shape::broadcast(sizes, tensor.sym_sizes());
  std::vector<at::Tensor> expanded;
  for (const at::Tensor& tensor : tensors) expanded.push_back(tensor.expand_symint(sizes));
  return expanded;
}

at::Tensor reshape(const at::Tensor& self, c10::SymIntArrayRef target) {
  const TensorMeta meta = shape::describe(self);
  const Sizes sizes = shape::infer_size(target, meta.sizes);
  const bool is_view = shape::is_known_view(meta, sizes);
  return (is_view ? self : at::clone(self, c10::MemoryFormat::Contiguous)).view_symint(sizes);
}

at::Tensor flatten(const at::Tensor& self, int64_t start_dim, int64_t end_dim) {
  const int64_t first = shape::wrap_axis(start_dim, self.dim()), last = shape::wrap_axis(end_dim, self.dim());
  if (self.dim() == 0) return at::reshape(self, {1});
  if (first > last) {
    throw ShapeError("flatten needs start_dim before end_dim, got " + std::to_string(start_dim) + " and " +
                     std::to_string(end_dim) + " of " + std::to_string(self.dim()) + " axes");
  }
  if (first == last) return self;
  const c10::SymIntArrayRef sizes = self.sym_sizes();
  Sizes flat(sizes.begin(), sizes.begin() + first + 1);
  for (int64_t axis = first + 1; axis <= last; ++axis) flat.back() = flat.back() * sizes[axis];
  flat.insert(flat.end(), sizes.begin() + last + 1, sizes.end());
  return at::reshape_symint(self, flat);
}

at::Tensor reshape_alias(const at::Tensor& self, c10::SymIntArrayRef size, c10::SymIntArrayRef /*stride*/) {
  return self.view_symint(size);
}

at::Tensor resize_as(const at::Tensor& self, const at::Tensor& the_template,
                     std::optional<at::MemoryFormat> memory_format) {
  const bool preserves = memory_format == c10::MemoryFormat::Preserve;
  const auto format = preserves ? shape::suggested_format(shape::describe(the_template)).format : memory_format;
  return at::resize_symint(self, the_template.sym_sizes(), format);
}

at::Tensor squeeze(const at::Tensor& self) {
  std::vector<int64_t> dropped;
  for (int64_t axis = 0; axis < self.dim(); ++axis) {
    if (shape::known_equal(self.sym_size(axis), 1)) dropped.push_back(axis);
  }
  return at::squeeze(self, dropped);
}

at::Tensor t(const at::Tensor& self) { return self.dim() < 2 ? self : at::permute(self, {1, 0}); }

at::Tensor transpose(const at::Tensor& self, int64_t dim0, int64_t dim1) {
  const int64_t first = shape::wrap_axis(dim0, self.dim()), second = shape::wrap_axis(dim1, self.dim());
  if (self.dim() == 0) return self;
  auto axes = axes_of(self);
  std::swap(axes[first], axes[second]);
  return at::permute(self, axes);
}

at::Tensor unsafe_view(const at::Tensor& self, c10::SymIntArrayRef size) { return self.view_symint(size); }

// Parts --------------------------------------------------------------------------------------------------------------

/// Of nothing, nothing is left, however often.
at::Tensor diff(const at::Tensor& self, int64_t n, int64_t dim, const std::optional<at::Tensor>& prepend,
                const std::optional<at::Tensor>& append) {
  require(n >= 0, [&] { return "diff takes an order of at least 0, got " + std::to_string(n); });
  require(self.dim() > 0, [] { return "diff takes at least one axis"; });
  std::vector<at::Tensor> parts{self};
  if (given(prepend)) parts.insert(parts.begin(), *prepend);
  if (given(append)) parts.push_back(*append);
  at::Tensor result = parts.size() == 1 ? at::alias(self) : at::cat(parts, dim);
  for (int64_t i = 0; i < n; ++i) {
    const c10::SymInt size = result.sym_size(dim);
    const at::Tensor behind = at::slice_symint(result, dim, 1, size),
                     before = at::slice_symint(result, dim, 0, size - 1);
    result = result.scalar_type() == at::kBool ? at::logical_xor(behind, before) : at::sub(behind, before);
  }
  return result;
}

at::Tensor narrow(const at::Tensor& self, int64_t dim, c10::SymInt start, c10::SymInt length) {
  const c10::SymInt size = self.sym_size(dim);
  const c10::SymInt begin = shape::from_start(start, size);
  // Unlike slice, narrow refuses what doesn't fit; at sizes of 0 and 1, too, where the slice would only be shorter.
  require(length.sym_ge(0), [&] { return "narrow asks for " + shape::text(length) + " elements"; });
  const bool fits =
      begin.sym_ge(0).expect_true(__FILE__, __LINE__) && (begin + length).sym_le(size).expect_true(__FILE__, __LINE__);
  if (!fits) throw ShapeError("narrow asks for more than axis " + std::to_string(dim) + " has");
  return at::slice_symint(self, dim, begin, begin + length);
}

std::vector<at::Tensor> split(const at::Tensor& self, c10::SymInt split_size, int64_t dim) {
  const c10::SymInt size = self.sym_size(dim);
  if (shape::known_equal(split_size, 0)) return {self};  // allowed where the axis is empty as well
  // How many parts there are is part of the program, so it can't depend on a dynamic size. An empty axis has one.
  const c10::SymInt parts = shape::ceil_div(size, split_size).max(1);
  const int64_t count = parts.guard_int(__FILE__, __LINE__);
  std::vector<c10::SymInt> sizes(count, split_size);
  sizes.back() = size - split_size * (count - 1);
  return at::split_with_sizes_symint(self, sizes, dim);
}

/// The first size % sections parts are longer by one.
std::vector<at::Tensor> tensor_split(const at::Tensor& self, c10::SymInt sections, int64_t dim) {
  const int64_t count = sections.guard_int(__FILE__, __LINE__);
  require(count > 0, [&] { return "tensor_split needs at least one section, got " + std::to_string(count); });
  const c10::SymInt size = self.sym_size(dim);
  std::vector<c10::SymInt> sizes;
  for (int64_t i = 0; i < count; ++i) sizes.push_back((size + (count - 1 - i)) / count);
  return at::split_with_sizes_symint(self, sizes, dim);
}

std::vector<at::Tensor> tensor_split_by_data(const at::Tensor& self, const at::Tensor& indices_or_sections,
                                             int64_t dim) {
  const auto number = [](const at::Tensor& tensor) { return at::_local_scalar_dense(tensor).toSymInt(); };
  require(indices_or_sections.dim() <= 1, [&] {
    return "tensor_indices_or_sections is " + shape::text(indices_or_sections.sym_sizes()) + ", expected one axis";
  });
  if (indices_or_sections.dim() == 0) return tensor_split(self, number(indices_or_sections), dim);
  std::vector<c10::SymInt> starts;
  for (const at::Tensor& start : at::unbind(indices_or_sections)) starts.push_back(number(start));
  return at::tensor_split_symint(self, starts, dim);
}

std::vector<at::Tensor> unsafe_chunk(const at::Tensor& self, int64_t chunks, int64_t dim) {
  return at::chunk(self, chunks, dim);
}

std::vector<at::Tensor> unsafe_split_with_sizes(const at::Tensor& self, c10::SymIntArrayRef split_sizes, int64_t dim) {
  return at::split_with_sizes_symint(self, split_sizes, dim);
}

std::vector<at::Tensor> unbind(const at::Tensor& self, int64_t dim) {
  const int64_t count = self.sym_size(dim).guard_int(__FILE__, __LINE__);
  std::vector<at::Tensor> parts;
  for (int64_t i = 0; i < count; ++i) parts.push_back(at::select(self, dim, i));
  return parts;
}

/// Windows are gathered by their indices (start + offset), then their axis is moved to the end.
at::Tensor unfold(const at::Tensor& self, int64_t dimension, int64_t size, int64_t step) {
  if (self.dim() == 0) {
    require(size <= 1, [&] { return "a window of " + std::to_string(size) + " doesn't fit into a single number"; });
    return at::slice(at::unsqueeze(self, 0), 0, 0, size);
  }
  const int64_t axis = shape::wrap_axis(dimension, self.dim());
  // As PyTorch's narrow and select do: no window of an axis of 0 or 1 is another result, either.
  require(self.sym_size(axis).sym_ge(size).expect_true(__FILE__, __LINE__), [&] {
    return "a window of " + std::to_string(size) + " doesn't fit into axis " + std::to_string(axis) + " of " +
           shape::text(self.sym_sizes());
  });
  const c10::SymInt count = (self.sym_size(axis) - size) / step + 1;
  const at::Tensor starts = at::mul(counted(count, self), step);
  const at::Tensor indices = at::add(at::unsqueeze(starts, 1), counted(size, self));
  const at::Tensor windows = at::index_select(self, axis, indices.view_symint({count * size}));
  std::vector<c10::SymInt> sizes(self.sym_sizes().begin(), self.sym_sizes().end());
  sizes[axis] = count;
  sizes.insert(sizes.begin() + axis + 1, size);
  const at::Tensor unfolded = windows.view_symint(sizes);
  auto order = axes_of(unfolded);
  order.erase(order.begin() + axis + 1);
  order.push_back(axis + 1);
  return at::permute(unfolded, order);
}

// Copies -------------------------------------------------------------------------------------------------------------

namespace {

/// The last `shift` elements of an axis come first.
at::Tensor roll_axis(const at::Tensor& self, const c10::SymInt& shift, int64_t axis) {
  const c10::SymInt size = self.sym_size(axis);
  if (shape::known_equal(size, 0)) return self;
  const c10::SymInt start = (size - shift) % size.max(1);  // nothing to roll where there is nothing
  if (shape::known_equal(start, 0)) return self;
  return at::cat({at::slice_symint(self, axis, start, size), at::slice_symint(self, axis, 0, start)}, axis);
}

}  // namespace

at::Tensor roll(const at::Tensor& self, c10::SymIntArrayRef shifts, at::IntArrayRef dims) {
  if (dims.empty() && shifts.size() == 1) {  // as if the elements were in a row
    const at::Tensor row = at::reshape(self, {-1});
    return at::reshape_symint(roll_axis(row, shifts[0], 0), self.sym_sizes());
  }
  if (shifts.empty() || shifts.size() != dims.size()) throw ShapeError("roll needs as many shifts as dims");
  at::Tensor rolled = self;
  for (size_t i = 0; i < dims.size(); ++i) rolled = roll_axis(rolled, shifts[i], shape::wrap_axis(dims[i], self.dim()));
  return rolled;
}

at::Tensor rot90(const at::Tensor& self, int64_t k, at::IntArrayRef dims) {
  if (dims.size() != 2) throw ShapeError("rot90 turns in the plane of two axes");
  require(shape::wrap_axis(dims[0], self.dim()) != shape::wrap_axis(dims[1], self.dim()),
          [&] { return "dims name one axis of " + shape::text(self.sym_sizes()) + " twice, expected two axes"; });
  const int64_t turns = ((k % 4) + 4) % 4;
  if (turns == 0) return at::clone(self, c10::MemoryFormat::Contiguous);
  if (turns == 2) return at::flip(self, dims);
  return decompositions::transpose(at::flip(self, turns == 1 ? dims[1] : dims[0]), dims[0], dims[1]);
}

// Matrices with much 0 in them ---------------------------------------------------------------------------------------

namespace {

/// column - row of each place of a matrix: 0 on the diagonal, positive above it.
at::Tensor diagonal_number(const c10::SymInt& rows, const c10::SymInt& columns, const at::Tensor& like) {
  return at::sub(counted(columns, like), at::unsqueeze(counted(rows, like), 1));
}

}  // namespace

at::Tensor diag_embed(const at::Tensor& self, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t rank = self.dim() + 1;
  const int64_t row_axis = shape::wrap_axis(dim1, rank), column_axis = shape::wrap_axis(dim2, rank);
  if (row_axis == column_axis) throw ShapeError("diag_embed needs two different axes");
  const c10::SymInt size = self.sym_size(-1) + std::abs(offset);
  // Above the diagonal an element is found by its row, below it by its column; the rest is padding.
  const at::Tensor padded = offset == 0 ? self : at::constant_pad_nd(self, {0, std::abs(offset)});
  const at::Tensor values = at::unsqueeze(padded, offset > 0 ? -1 : -2);
  const at::Tensor on_diagonal = at::eq(diagonal_number(size, size, self), offset);
  const at::Tensor matrices = at::where(on_diagonal, values, scalar_like(self, 0));
  std::vector<int64_t> order;
  for (int64_t axis = 0, batch = 0; axis < rank; ++axis) {
    order.push_back(axis == row_axis ? rank - 2 : axis == column_axis ? rank - 1 : batch++);
  }
  return at::permute(matrices, order);
}

at::Tensor diagonal_scatter(const at::Tensor& self, const at::Tensor& src, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t row_axis = shape::wrap_axis(dim1, self.dim()), column_axis = shape::wrap_axis(dim2, self.dim());
  const c10::SymInt rows = self.sym_size(row_axis), columns = self.sym_size(column_axis);
  shape::require_part(src, at::diagonal(self, offset, dim1, dim2).sym_sizes());
  // As in diag_embed; the axes of the source are the other axes of `self`, and the diagonal.
  const c10::SymInt& full = offset >= 0 ? rows : columns;
  const at::Tensor padded = at::constant_pad_nd_symint(src, {0, full - src.sym_size(-1)});
  const at::Tensor matrices = at::unsqueeze(padded, offset >= 0 ? -1 : -2);
  std::vector<int64_t> order;
  for (int64_t axis = 0, batch = 0; axis < self.dim(); ++axis) {
    order.push_back(axis == row_axis ? self.dim() - 2 : axis == column_axis ? self.dim() - 1 : batch++);
  }
  const at::Tensor values = at::permute(matrices, order);
  const at::Tensor number = diagonal_number(rows, columns, self);
  std::vector<c10::SymInt> plane(self.dim(), 1);
  plane[row_axis] = rows;
  plane[column_axis] = columns;
  const at::Tensor turned = row_axis < column_axis ? number : at::permute(number, {1, 0});
  const at::Tensor on_diagonal = at::eq(at::reshape_symint(turned, plane), offset);
  return at::where(on_diagonal, values.to(self.scalar_type()), self);
}

at::Tensor diagonal_copy(const at::Tensor& self, int64_t offset, int64_t dim1, int64_t dim2) {
  return at::diagonal(self, offset, dim1, dim2);
}

at::Tensor trace(const at::Tensor& self) {
  require(self.dim() == 2, [&] { return "self is " + shape::text(self.sym_sizes()) + ", expected a matrix"; });
  return at::sum(at::diagonal(self));
}

at::Tensor tril(const at::Tensor& self, c10::SymInt diagonal) {
  const at::Tensor number = diagonal_number(self.sym_size(-2), self.sym_size(-1), self);
  return at::where(at::le(number, at::Scalar(diagonal)), self, scalar_like(self, 0));
}

at::Tensor triu(const at::Tensor& self, c10::SymInt diagonal) {
  const at::Tensor number = diagonal_number(self.sym_size(-2), self.sym_size(-1), self);
  return at::where(at::ge(number, at::Scalar(diagonal)), self, scalar_like(self, 0));
}

}  // namespace tracejet::decompositions
