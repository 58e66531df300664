#pragma once

#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/SymInt.h>

/// Views and rearrangements as other operators. Each has the signature of the operator that it stands for.
namespace tracejet::decompositions {

/// Guards where two sizes have to be equal for it.
bool is_same_size(const at::Tensor& self, const at::Tensor& other);
/// Of dense tensors, which those of forward-mode gradients are.
bool has_same_storage_numel(const at::Tensor& self, const at::Tensor& other);
/// What is the input itself in a program without writes: detach, lift_fresh.
at::Tensor itself(const at::Tensor& self);
at::Tensor alias(const at::Tensor& self);
std::vector<at::Tensor> broadcast_tensors(at::TensorList tensors);
at::Tensor expand_as(const at::Tensor& self, const at::Tensor& other);
at::Tensor flatten(const at::Tensor& self, int64_t start_dim, int64_t end_dim);
at::Tensor reshape(const at::Tensor& self, c10::SymIntArrayRef shape);
at::Tensor reshape_alias(const at::Tensor& self, c10::SymIntArrayRef size, c10::SymIntArrayRef stride);
/// The size of another tensor, as `resize` gives it.
at::Tensor resize_as(const at::Tensor& self, const at::Tensor& the_template,
                     std::optional<at::MemoryFormat> memory_format);
/// Names the axes that are dropped.
at::Tensor squeeze(const at::Tensor& self);
at::Tensor t(const at::Tensor& self);
at::Tensor transpose(const at::Tensor& self, int64_t dim0, int64_t dim1);
at::Tensor unsafe_view(const at::Tensor& self, c10::SymIntArrayRef size);

at::Tensor diff(const at::Tensor& self, int64_t n, int64_t dim, const std::optional<at::Tensor>& prepend,
                const std::optional<at::Tensor>& append);
at::Tensor narrow(const at::Tensor& self, int64_t dim, c10::SymInt start, c10::SymInt length);
std::vector<at::Tensor> split(const at::Tensor& self, c10::SymInt split_size, int64_t dim);
std::vector<at::Tensor> tensor_split(const at::Tensor& self, c10::SymInt sections, int64_t dim);
/// The number of parts, or where they begin, is data.
std::vector<at::Tensor> tensor_split_by_data(const at::Tensor& self, const at::Tensor& indices_or_sections,
                                             int64_t dim);
std::vector<at::Tensor> unsafe_chunk(const at::Tensor& self, int64_t chunks, int64_t dim);
std::vector<at::Tensor> unbind(const at::Tensor& self, int64_t dim);
at::Tensor unfold(const at::Tensor& self, int64_t dimension, int64_t size, int64_t step);
std::vector<at::Tensor> unsafe_split_with_sizes(const at::Tensor& self, c10::SymIntArrayRef split_sizes, int64_t dim);

at::Tensor roll(const at::Tensor& self, c10::SymIntArrayRef shifts, at::IntArrayRef dims);
at::Tensor rot90(const at::Tensor& self, int64_t k, at::IntArrayRef dims);

at::Tensor diag_embed(const at::Tensor& self, int64_t offset, int64_t dim1, int64_t dim2);
at::Tensor diagonal_copy(const at::Tensor& self, int64_t offset, int64_t dim1, int64_t dim2);
at::Tensor diagonal_scatter(const at::Tensor& self, const at::Tensor& src, int64_t offset, int64_t dim1, int64_t dim2);
at::Tensor trace(const at::Tensor& self);
at::Tensor tril(const at::Tensor& self, c10::SymInt diagonal);
at::Tensor triu(const at::Tensor& self, c10::SymInt diagonal);

}  // namespace tracejet::decompositions
