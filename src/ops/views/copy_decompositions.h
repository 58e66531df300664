#pragma once

#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/SymInt.h>

/// Copies of views: each is the view and then a dense copy, with the signature of the operator that it stands for.
namespace tracejet::decompositions {

at::Tensor alias_copy(const at::Tensor& self);
at::Tensor as_strided_copy(const at::Tensor& self, c10::SymIntArrayRef size, c10::SymIntArrayRef stride,
                           std::optional<c10::SymInt> storage_offset);
at::Tensor expand_copy(const at::Tensor& self, c10::SymIntArrayRef size, bool implicit);
at::Tensor narrow_copy(const at::Tensor& self, int64_t dim, c10::SymInt start, c10::SymInt length);
at::Tensor permute_copy(const at::Tensor& self, at::IntArrayRef dims);
at::Tensor squeeze_copy(const at::Tensor& self);
at::Tensor squeeze_copy_axis(const at::Tensor& self, int64_t dim);
at::Tensor squeeze_copy_axes(const at::Tensor& self, at::IntArrayRef dim);
at::Tensor t_copy(const at::Tensor& self);
at::Tensor transpose_copy(const at::Tensor& self, int64_t dim0, int64_t dim1);
at::Tensor unsqueeze_copy(const at::Tensor& self, int64_t dim);
at::Tensor view_copy(const at::Tensor& self, c10::SymIntArrayRef size);

std::vector<at::Tensor> split_with_sizes_copy(const at::Tensor& self, c10::SymIntArrayRef split_sizes, int64_t dim);
std::vector<at::Tensor> unbind_copy(const at::Tensor& self, int64_t dim);

}  // namespace tracejet::decompositions
