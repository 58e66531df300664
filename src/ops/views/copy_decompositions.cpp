// PyTorch: torch/_refs/__init__.py (alias_copy, as_strided_copy, expand_copy, permute_copy, squeeze_copy, t_copy,
// transpose_copy, unbind_copy, unsqueeze_copy, view_copy), aten/src/ATen/native/TensorShape.cpp
// (narrow_copy_dense_cpu), torch/_decomp/decompositions.py (split_with_sizes_copy).
#include "ops/views/copy_decompositions.h"

#include <utility>

#include <ATen/ops/as_strided.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/narrow.h>
#include <ATen/ops/permute.h>
#include <ATen/ops/split_with_sizes.h>
#include <ATen/ops/squeeze.h>
#include <ATen/ops/t.h>
#include <ATen/ops/transpose.h>
#include <ATen/ops/unbind.h>
#include <ATen/ops/unsqueeze.h>

namespace tracejet::decompositions {

namespace {

at::Tensor copied(const at::Tensor& view) { return at::clone(view, c10::MemoryFormat::Contiguous); }

std::vector<at::Tensor> copied(std::vector<at::Tensor> views) {
  for (at::Tensor& view : views) view = copied(view);
  return views;
}

}  // namespace

at::Tensor alias_copy(const at::Tensor& self) { return copied(self); }

at::Tensor as_strided_copy(const at::Tensor& self, c10::SymIntArrayRef size, c10::SymIntArrayRef stride,
                           std::optional<c10::SymInt> storage_offset) {
  return copied(at::as_strided_symint(self, size, stride, std::move(storage_offset)));
}

at::Tensor expand_copy(const at::Tensor& self, c10::SymIntArrayRef size, bool implicit) {
  return copied(self.expand_symint(size, implicit));
}

at::Tensor narrow_copy(const at::Tensor& self, int64_t dim, c10::SymInt start, c10::SymInt length) {
  return copied(at::narrow_symint(self, dim, std::move(start), std::move(length)));
}

at::Tensor permute_copy(const at::Tensor& self, at::IntArrayRef dims) { return copied(at::permute(self, dims)); }
at::Tensor squeeze_copy(const at::Tensor& self) { return copied(at::squeeze(self)); }
at::Tensor squeeze_copy_axis(const at::Tensor& self, int64_t dim) { return copied(at::squeeze(self, dim)); }
at::Tensor squeeze_copy_axes(const at::Tensor& self, at::IntArrayRef dim) { return copied(at::squeeze(self, dim)); }
at::Tensor t_copy(const at::Tensor& self) { return copied(at::t(self)); }

at::Tensor transpose_copy(const at::Tensor& self, int64_t dim0, int64_t dim1) {
  return copied(at::transpose(self, dim0, dim1));
}

at::Tensor unsqueeze_copy(const at::Tensor& self, int64_t dim) { return copied(at::unsqueeze(self, dim)); }
at::Tensor view_copy(const at::Tensor& self, c10::SymIntArrayRef size) { return copied(self.view_symint(size)); }

std::vector<at::Tensor> split_with_sizes_copy(const at::Tensor& self, c10::SymIntArrayRef split_sizes, int64_t dim) {
  return copied(at::split_with_sizes_symint(self, split_sizes, dim));
}

std::vector<at::Tensor> unbind_copy(const at::Tensor& self, int64_t dim) { return copied(at::unbind(self, dim)); }

}  // namespace tracejet::decompositions
