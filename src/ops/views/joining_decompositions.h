#pragma once

#include <ATen/core/Tensor.h>

/// Several tensors side by side. Each has the signature of the operator that it stands for.
namespace tracejet::decompositions {

/// Matrices one below and behind the other, with 0 everywhere else. Vectors are rows.
at::Tensor block_diag(at::TensorList tensors);
/// Cuts each tensor into as many parts along an axis, the last one filled up with 0, and puts parts of the same number
/// side by side.
at::Tensor chunk_cat(at::TensorList tensors, int64_t dim, int64_t num_chunks);
at::Tensor stack(at::TensorList tensors, int64_t dim);

}  // namespace tracejet::decompositions
