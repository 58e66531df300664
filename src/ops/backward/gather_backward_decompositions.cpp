// PyTorch: torch/_decomp/decompositions.py (diagonal_backward, select_backward, slice_backward, unfold_backward,
// embedding_dense_backward, _reflection_pad_backward).
#include "ops/backward/gather_backward_decompositions.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/diagonal_scatter.h>
#include <ATen/ops/index.h>
#include <ATen/ops/index_put.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/select_scatter.h>
#include <ATen/ops/slice_scatter.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "ir/tensor_meta.h"
#include "ops/indexing/decompositions.h"
#include "ops/numbers.h"
#include "ops/shape/shape.h"

namespace tracejet::decompositions {

namespace {

at::Tensor zeros_of(c10::SymIntArrayRef sizes, const at::Tensor& like) {
  return at::zeros_symint(sizes, like.options());
}

/// The gradient of a tensor whose last axes were reflected at their ends: each element of the padded axis goes back to
/// the one that it repeats.
at::Tensor reflection_pad_backward(const at::Tensor& grad, const at::Tensor& self, c10::SymIntArrayRef padding) {
  at::Tensor result = grad;
  for (size_t i = 0; i < padding.size() / 2; ++i) {
    const int64_t axis = self.dim() - 1 - static_cast<int64_t>(i);
    const c10::SymInt size = self.sym_size(axis);
    const at::Tensor from_start = at::abs(counted(grad.sym_size(axis), grad) - at::Scalar(padding[2 * i]));
    const at::Tensor source = at::rsub(at::abs(from_start - at::Scalar(size - 1)), at::Scalar(size - 1));
    Sizes sizes(result.sym_sizes());
    sizes[axis] = size;
    result = at::index_put(zeros_of(sizes, grad), index_along(axis, source), result, /*accumulate=*/true);
  }
  return result;
}

}  // namespace

at::Tensor diagonal_backward(const at::Tensor& grad, c10::SymIntArrayRef input_sizes, int64_t offset, int64_t dim1,
                             int64_t dim2) {
  return at::diagonal_scatter(zeros_of(input_sizes, grad), grad, offset, dim1, dim2);
}

at::Tensor select_backward(const at::Tensor& grad, c10::SymIntArrayRef input_sizes, int64_t dim, c10::SymInt index) {
  return at::select_scatter_symint(zeros_of(input_sizes, grad), grad, dim, std::move(index));
}

at::Tensor slice_backward(const at::Tensor& grad, c10::SymIntArrayRef input_sizes, int64_t dim, c10::SymInt start,
                          c10::SymInt end, c10::SymInt step) {
  return at::slice_scatter_symint(zeros_of(input_sizes, grad), grad, dim, std::move(start), std::move(end),
                                  std::move(step));
}

at::Tensor unfold_backward(const at::Tensor& grad, c10::SymIntArrayRef input_sizes, int64_t dim, int64_t size,
                           int64_t step) {
  if (input_sizes.empty()) return grad.sum();
  const int64_t axis = shape::wrap_axis(dim, static_cast<int64_t>(input_sizes.size()));
  const at::Tensor starts = (counted(grad.sym_size(axis), grad) * step).unsqueeze(1);
  const at::Tensor windows = grad.movedim(-1, axis + 1);
  return at::index_put(zeros_of(input_sizes, grad), index_along(axis, starts + counted(size, grad)), windows,
                       /*accumulate=*/true);
}

at::Tensor embedding_dense_backward(const at::Tensor& grad, const at::Tensor& indices, c10::SymInt num_weights,
                                    c10::SymInt padding_idx, bool scale_grad_by_freq) {
  const at::Tensor rows = indices.to(at::kLong);
  at::Tensor shares = grad;
  if (scale_grad_by_freq) {
    const at::Tensor counts =
        at::index_put(zeros_of({num_weights}, rows), index_along(0, rows), at::ones_like(rows), /*accumulate=*/true);
    shares = shares / at::index(counts, index_along(0, rows)).unsqueeze(-1);
  }
  shares = at::where((rows == at::Scalar(padding_idx)).unsqueeze(-1), 0, shares);
  return at::index_put(zeros_of({num_weights, grad.sym_size(-1)}, grad), index_along(0, rows), shares,
                       /*accumulate=*/true);
}

at::Tensor reflection_pad1d_backward(const at::Tensor& grad, const at::Tensor& self, c10::SymIntArrayRef padding) {
  return reflection_pad_backward(grad, self, padding);
}

at::Tensor reflection_pad2d_backward(const at::Tensor& grad, const at::Tensor& self, c10::SymIntArrayRef padding) {
  return reflection_pad_backward(grad, self, padding);
}

at::Tensor reflection_pad3d_backward(const at::Tensor& grad, const at::Tensor& self, c10::SymIntArrayRef padding) {
  return reflection_pad_backward(grad, self, padding);
}

}  // namespace tracejet::decompositions
