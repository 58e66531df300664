#pragma once

#include <optional>
#include <tuple>

#include <ATen/core/Tensor.h>
#include <c10/core/Scalar.h>

/// Reductions as other operators. Each has the signature of the operator that it stands for.
namespace tracejet::decompositions {

using OptionalAxes = at::OptionalIntArrayRef;
using OptionalType = std::optional<at::ScalarType>;
using OptionalScalar = std::optional<at::Scalar>;
using Pair = std::tuple<at::Tensor, at::Tensor>;

/// amax with the axes kept, where nothing's greatest is -inf.
at::Tensor greatest(const at::Tensor& self, at::IntArrayRef axes);

at::Tensor count_nonzero(const at::Tensor& self, std::optional<int64_t> dim);
at::Tensor count_nonzero_axes(const at::Tensor& self, at::IntArrayRef dim);
at::Tensor nansum(const at::Tensor& self, OptionalAxes dim, bool keepdim, OptionalType dtype);
at::Tensor sum(const at::Tensor& self, OptionalType dtype);

at::Tensor linalg_vector_norm(const at::Tensor& self, const at::Scalar& ord, OptionalAxes dim, bool keepdim,
                              OptionalType dtype);
at::Tensor logsumexp(const at::Tensor& self, at::IntArrayRef dim, bool keepdim);
at::Tensor norm_scalar(const at::Tensor& self, const at::Scalar& p);
at::Tensor norm_axes(const at::Tensor& self, const OptionalScalar& p, at::IntArrayRef dim, bool keepdim);
at::Tensor norm_axes_dtype(const at::Tensor& self, const OptionalScalar& p, at::IntArrayRef dim, bool keepdim,
                           at::ScalarType dtype);
at::Tensor norm_dtype(const at::Tensor& self, const OptionalScalar& p, at::ScalarType dtype);
at::Tensor renorm(const at::Tensor& self, const at::Scalar& p, int64_t dim, const at::Scalar& maxnorm);
at::Tensor std_correction(const at::Tensor& self, OptionalAxes dim, const OptionalScalar& correction, bool keepdim);
Pair std_mean(const at::Tensor& self, OptionalAxes dim, const OptionalScalar& correction, bool keepdim);
at::Tensor var(const at::Tensor& self, OptionalAxes dim, const OptionalScalar& correction, bool keepdim);
Pair var_mean(const at::Tensor& self, OptionalAxes dim, const OptionalScalar& correction, bool keepdim);

Pair aminmax(const at::Tensor& self, std::optional<int64_t> dim, bool keepdim);
at::Tensor max(const at::Tensor& self);
at::Tensor min(const at::Tensor& self);

at::Tensor all(const at::Tensor& self);
at::Tensor all_axis(const at::Tensor& self, int64_t dim, bool keepdim);
at::Tensor all_axes(const at::Tensor& self, OptionalAxes dim, bool keepdim);

/// The norm of the difference.
at::Tensor dist(const at::Tensor& self, const at::Tensor& other, const at::Scalar& p);

}  // namespace tracejet::decompositions
