#pragma once

#include <c10/core/SymInt.h>

#include "ir/call.h"

/// Arithmetic of windows that slide along an axis, for convolution, pooling and unfolding.
namespace tracejet::window {

/// One spatial axis.
struct Axis {
  c10::SymInt kernel;
  c10::SymInt stride = 1;
  c10::SymInt padding = 0;
  c10::SymInt dilation = 1;
};

/// How many windows fit: floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1.
c10::SymInt count(const c10::SymInt& size, const Axis& axis);
/// How many windows start inside of the axis or its left padding, the last one possibly reaching over the end.
c10::SymInt count_ceil(const c10::SymInt& size, const Axis& axis);
/// The size of the axis over which `count` windows slide: what a transposed convolution gives.
c10::SymInt covered(const c10::SymInt& count, const Axis& axis);

/// The axes that the arguments kernel_size, stride, padding and dilation (those that the schema has) describe. An empty
/// stride means the kernel's size. Throws ShapeError where one is out of its bounds.
std::vector<Axis> axes(const Call& call, size_t rank);

/// Requires elements on every axis from `first` on, which PyTorch's kernels ask for where only a batch may be empty.
void require_elements(c10::SymIntArrayRef sizes, size_t first);

}  // namespace tracejet::window
