#pragma once

#include <ATen/ScalarOps.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>

/// Plain numbers as operands of decompositions.
namespace tracejet::decompositions {

/// A number in the place of a tensor, which doesn't take part in the promotion of floats: `1.0` in `1.0 - x`.
/// A symbolic one can't be had this way (ATen would read it): use an operator with a Scalar argument.
inline at::Tensor number(const at::Scalar& value) { return at::native::wrapped_scalar_tensor(value); }

/// A 0-dim tensor of this dtype and device; the value may be symbolic.
inline at::Tensor scalar_like(const at::Tensor& self, const at::Scalar& value) {
  return at::full(at::IntArrayRef{}, value, self.options());
}

}  // namespace tracejet::decompositions
