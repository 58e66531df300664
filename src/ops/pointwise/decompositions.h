#pragma once

#include <optional>

#include <ATen/core/Tensor.h>
#include <c10/core/Scalar.h>

/// Pointwise operators as other operators. Each has the signature of the operator that it stands for.
namespace tracejet::decompositions {

/// A view in eager, which other views look through to the memory below. A program's values have no such bits.
at::Tensor conj(const at::Tensor& self);
/// As conj.
at::Tensor neg_view(const at::Tensor& self);
at::Tensor deg2rad(const at::Tensor& self);
at::Tensor frac(const at::Tensor& self);
at::Tensor isneginf(const at::Tensor& self);
at::Tensor isposinf(const at::Tensor& self);
at::Tensor logit(const at::Tensor& self, std::optional<double> eps);
at::Tensor mvlgamma(const at::Tensor& self, int64_t p);
at::Tensor nan_to_num(const at::Tensor& self, std::optional<double> nan, std::optional<double> posinf,
                      std::optional<double> neginf);
at::Tensor rad2deg(const at::Tensor& self);
at::Tensor reciprocal(const at::Tensor& self);
at::Tensor rsqrt(const at::Tensor& self);
at::Tensor sgn(const at::Tensor& self);
at::Tensor sinc(const at::Tensor& self);
at::Tensor special_entr(const at::Tensor& self);
at::Tensor special_log_ndtr(const at::Tensor& self);

at::Tensor floor_divide(const at::Tensor& self, const at::Tensor& other);
at::Tensor floor_divide_scalar(const at::Tensor& self, const at::Scalar& other);
at::Tensor heaviside(const at::Tensor& self, const at::Tensor& values);
at::Tensor ldexp(const at::Tensor& self, const at::Tensor& other);
at::Tensor left_shift(const at::Tensor& self, const at::Tensor& other);
at::Tensor left_shift_by_number(const at::Tensor& self, const at::Scalar& other);
at::Tensor logaddexp(const at::Tensor& self, const at::Tensor& other);
at::Tensor logaddexp2(const at::Tensor& self, const at::Tensor& other);
at::Tensor polar(const at::Tensor& abs, const at::Tensor& angle);
at::Tensor right_shift(const at::Tensor& self, const at::Tensor& other);
at::Tensor right_shift_by_number(const at::Tensor& self, const at::Scalar& other);
at::Tensor rsub(const at::Tensor& self, const at::Tensor& other, const at::Scalar& alpha);
at::Tensor rsub_scalar(const at::Tensor& self, const at::Scalar& other, const at::Scalar& alpha);
at::Tensor special_xlog1py(const at::Tensor& self, const at::Tensor& other);
at::Tensor special_xlog1py_scalar_other(const at::Tensor& self, const at::Scalar& other);
at::Tensor special_xlog1py_scalar_self(const at::Scalar& self, const at::Tensor& other);
at::Tensor xlogy(const at::Tensor& self, const at::Tensor& other);
at::Tensor xlogy_scalar_other(const at::Tensor& self, const at::Scalar& other);
at::Tensor xlogy_scalar_self(const at::Scalar& self, const at::Tensor& other);

at::Tensor addcdiv(const at::Tensor& self, const at::Tensor& tensor1, const at::Tensor& tensor2,
                   const at::Scalar& value);
at::Tensor addcmul(const at::Tensor& self, const at::Tensor& tensor1, const at::Tensor& tensor2,
                   const at::Scalar& value);
at::Tensor clamp_max(const at::Tensor& self, const at::Scalar& max);
at::Tensor clamp_max_tensor(const at::Tensor& self, const at::Tensor& max);
at::Tensor clamp_min(const at::Tensor& self, const at::Scalar& min);
at::Tensor clamp_min_tensor(const at::Tensor& self, const at::Tensor& min);
at::Tensor lerp(const at::Tensor& self, const at::Tensor& end, const at::Tensor& weight);
at::Tensor lerp_scalar(const at::Tensor& self, const at::Tensor& end, const at::Scalar& weight);
at::Tensor masked_fill(const at::Tensor& self, const at::Tensor& mask, const at::Tensor& value);
at::Tensor masked_fill_scalar(const at::Tensor& self, const at::Tensor& mask, const at::Scalar& value);

at::Tensor logit_backward(const at::Tensor& grad_output, const at::Tensor& self, std::optional<double> eps);

}  // namespace tracejet::decompositions
