#pragma once

#include <limits>

#include <ATen/ScalarOps.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>

/// Plain numbers as operands of decompositions.
namespace tracejet::decompositions {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A number in the place of a tensor, which doesn't take part in the promotion of floats: `1.0` in `1.0 - x`.
/// A symbolic one can't be had this way (ATen would read it): use an operator with a Scalar argument.
inline at::Tensor number(const at::Scalar& value) { return at::native::wrapped_scalar_tensor(value); }

/// A 0-dim tensor of this dtype and device; the value may be symbolic.
inline at::Tensor scalar_like(const at::Tensor& self, const at::Scalar& value) {
  return at::full(at::IntArrayRef{}, value, self.options());
}

/// 0, 1, … as far as `end`, which may be symbolic, on the device of `like`.
inline at::Tensor counted(const c10::SymInt& end, const at::Tensor& like, at::ScalarType dtype = at::kLong) {
  return at::arange(at::Scalar(end), at::TensorOptions().dtype(dtype).device(like.device()));
}

}  // namespace tracejet::decompositions
