#pragma once

#include <optional>
#include <tuple>

#include <ATen/core/List.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Scalar.h>
#include <c10/core/SymInt.h>

/// Indexing as other operators. Each has the signature of the operator that it stands for.
namespace tracejet::decompositions {

using Indices = c10::List<std::optional<at::Tensor>>;

/// `index` for one axis, everything of the axes before it.
Indices index_along(int64_t axis, const at::Tensor& index);

/// The choices of r elements of a vector, one per row.
at::Tensor combinations(const at::Tensor& self, int64_t r, bool with_replacement);
at::Tensor isin(const at::Tensor& elements, const at::Tensor& test_elements, bool assume_unique, bool invert);
at::Tensor isin_number(const at::Tensor& elements, const at::Scalar& test_element, bool assume_unique, bool invert);
at::Tensor is_number_in(const at::Scalar& element, const at::Tensor& test_elements, bool assume_unique, bool invert);
at::Tensor take(const at::Tensor& self, const at::Tensor& index);
at::Tensor take_along_dim(const at::Tensor& self, const at::Tensor& indices, std::optional<int64_t> dim);
/// As the operator that has gradients: a program may be called outside of no_grad.
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> embedding_bag(
    const at::Tensor& weight, const at::Tensor& indices, const at::Tensor& offsets, bool scale_grad_by_freq,
    int64_t mode, bool sparse, const std::optional<at::Tensor>& per_sample_weights, bool include_last_offset,
    int64_t padding_idx);
at::Tensor unsafe_index(const at::Tensor& self, const Indices& indices);
/// Indices beyond an end of their axis count as that end; `fill` stands where the mask is false.
at::Tensor unsafe_masked_index(const at::Tensor& self, const at::Tensor& mask, const Indices& indices,
                               const at::Scalar& fill);

at::Tensor index_add(const at::Tensor& self, int64_t dim, const at::Tensor& index, const at::Tensor& source,
                     const at::Scalar& alpha);
at::Tensor index_copy(const at::Tensor& self, int64_t dim, const at::Tensor& index, const at::Tensor& source);
at::Tensor index_fill(const at::Tensor& self, int64_t dim, const at::Tensor& index, const at::Scalar& value);
at::Tensor index_fill_tensor(const at::Tensor& self, int64_t dim, const at::Tensor& index, const at::Tensor& value);
at::Tensor masked_scatter(const at::Tensor& self, const at::Tensor& mask, const at::Tensor& source);
at::Tensor select_scatter(const at::Tensor& self, const at::Tensor& src, int64_t dim, c10::SymInt index);
at::Tensor slice_scatter(const at::Tensor& self, const at::Tensor& src, int64_t dim, std::optional<c10::SymInt> start,
                         std::optional<c10::SymInt> end, c10::SymInt step);
at::Tensor unsafe_index_put(const at::Tensor& self, const Indices& indices, const at::Tensor& values, bool accumulate);
at::Tensor unsafe_masked_index_put_accumulate(const at::Tensor& self, const at::Tensor& mask, const Indices& indices,
                                              const at::Tensor& values);

}  // namespace tracejet::decompositions
