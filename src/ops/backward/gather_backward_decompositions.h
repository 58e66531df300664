#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/SymIntArrayRef.h>

/// Gradients of operators that pick elements: each goes back to where it was taken from.
namespace tracejet::decompositions {

at::Tensor diagonal_backward(const at::Tensor& grad, c10::SymIntArrayRef input_sizes, int64_t offset, int64_t dim1,
                             int64_t dim2);
at::Tensor select_backward(const at::Tensor& grad, c10::SymIntArrayRef input_sizes, int64_t dim, c10::SymInt index);
at::Tensor slice_backward(const at::Tensor& grad, c10::SymIntArrayRef input_sizes, int64_t dim, c10::SymInt start,
                          c10::SymInt end, c10::SymInt step);
at::Tensor unfold_backward(const at::Tensor& grad, c10::SymIntArrayRef input_sizes, int64_t dim, int64_t size,
                           int64_t step);
at::Tensor embedding_dense_backward(const at::Tensor& grad, const at::Tensor& indices, c10::SymInt num_weights,
                                    c10::SymInt padding_idx, bool scale_grad_by_freq);
at::Tensor reflection_pad1d_backward(const at::Tensor& grad, const at::Tensor& self, c10::SymIntArrayRef padding);
at::Tensor reflection_pad2d_backward(const at::Tensor& grad, const at::Tensor& self, c10::SymIntArrayRef padding);
at::Tensor reflection_pad3d_backward(const at::Tensor& grad, const at::Tensor& self, c10::SymIntArrayRef padding);

}  // namespace tracejet::decompositions
