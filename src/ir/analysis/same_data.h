#pragma once

#include <cstring>

#include <ATen/core/Tensor.h>

namespace tracejet {

/// Whether both are the same bits of the same shape, dtype and device. Tensors without data are only so if they are
/// one. (at::equal has no kernel for some dtypes, takes NaN for different and both zeros for equal.)
inline bool is_same_data(const at::Tensor& a, const at::Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  if (a.is_same(b)) return true;
  if (a.is_meta() || !a.options().type_equal(b.options()) || a.device() != b.device() || a.sizes() != b.sizes())
    return false;
  const at::Tensor left = a.resolve_conj().resolve_neg().contiguous().cpu();
  const at::Tensor right = b.resolve_conj().resolve_neg().contiguous().cpu();
  return left.nbytes() == 0 || std::memcmp(left.const_data_ptr(), right.const_data_ptr(), left.nbytes()) == 0;
}

}  // namespace tracejet
