#pragma once

#include <optional>

#include <ATen/core/Tensor.h>
#include <c10/core/Scalar.h>

namespace tracejet::decompositions {

at::Tensor linear(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias);
at::Tensor bilinear(const at::Tensor& input1, const at::Tensor& input2, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias);
at::Tensor mv(const at::Tensor& self, const at::Tensor& vec);
at::Tensor dot(const at::Tensor& self, const at::Tensor& other);
at::Tensor vdot(const at::Tensor& self, const at::Tensor& other);
at::Tensor baddbmm_in_dtype(const at::Tensor& self, const at::Tensor& batch1, const at::Tensor& batch2,
                            at::ScalarType out_dtype, const at::Scalar& beta, const at::Scalar& alpha);
at::Tensor baddbmm(const at::Tensor& self, const at::Tensor& batch1, const at::Tensor& batch2, const at::Scalar& beta,
                   const at::Scalar& alpha);
at::Tensor addr(const at::Tensor& self, const at::Tensor& vec1, const at::Tensor& vec2, const at::Scalar& beta,
                const at::Scalar& alpha);
/// Of vectors of 3 along an axis.
at::Tensor cross(const at::Tensor& self, const at::Tensor& other, int64_t dim);
/// ATen's own composite takes only plain sizes.
at::Tensor kron(const at::Tensor& self, const at::Tensor& other);
at::Tensor cdist(const at::Tensor& x1, const at::Tensor& x2, double p, std::optional<int64_t> compute_mode);
at::Tensor euclidean_dist(const at::Tensor& x1, const at::Tensor& x2);
at::Tensor cov(const at::Tensor& self, int64_t correction, const std::optional<at::Tensor>& fweights,
               const std::optional<at::Tensor>& aweights);
at::Tensor vander(const at::Tensor& x, std::optional<c10::SymInt> columns);
at::Tensor tensorinv(const at::Tensor& self, int64_t ind);

/// In the order that needs the fewest multiplications. Where that depends on symbolic sizes, from the left.
at::Tensor multi_dot(at::TensorList tensors);

}  // namespace tracejet::decompositions
