#pragma once

#include <cstdint>
#include <string>

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>
#include <c10/core/SymInt.h>
#include <c10/core/SymIntArrayRef.h>
#include <c10/util/SmallVector.h>

namespace tracejet {

/// One size or stride per axis. Most tensors have at most five axes, which need no allocation.
using Sizes = c10::SmallVector<c10::SymInt, 5>;

/// What is known of a strided tensor without its data. Sizes and strides are in elements and may be symbolic.
struct TensorMeta {
  Sizes sizes;
  Sizes strides;
  c10::SymInt storage_offset = 0;
  at::ScalarType dtype = at::kFloat;
  c10::Device device = c10::Device(c10::kCPU);
  /// The strides are those of the example: at some of the declared sizes, PyTorch may choose others (axes of size 1
  /// apart, whose strides have no meaning). Views of it can't be relied on.
  bool strides_may_differ = false;

  int64_t dim() const { return static_cast<int64_t>(sizes.size()); }
  /// The product of the sizes.
  c10::SymInt numel() const;
  bool is_symbolic() const;
  /// `float32[s0, 8, 4]`, and the strides where they are not contiguous.
  std::string str() const;
};

/// Row-major strides of a dense tensor of these sizes, as PyTorch has them (an axis of size 0 counts as 1).
Sizes contiguous_strides(c10::SymIntArrayRef sizes);

}  // namespace tracejet
