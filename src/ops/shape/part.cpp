// PyTorch: aten/src/ATen/native/TensorShape.cpp (select_scatter, slice_scatter).
#include "ops/shape/part.h"

#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet::shape {

void require_part(const at::Tensor& src, c10::SymIntArrayRef replaced) {
  const c10::SymIntArrayRef sizes = src.sym_sizes();
  const auto message = [&] {
    return "src is " + text(sizes) + ", expected the sizes of what it replaces, " + text(replaced);
  };
  require(sizes.size() == replaced.size(), message);
  for (size_t axis = 0; axis < sizes.size(); ++axis) require_equal_sizes(sizes[axis], replaced[axis], message);
}

}  // namespace tracejet::shape
