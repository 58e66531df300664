// PyTorch: aten/src/ATen/TensorIterator.cpp (reorder_dimensions).
#include "ops/shape/order.h"

#include <algorithm>

#include "symbolic/sym_node.h"

namespace tracejet::shape {

namespace {

/// Never guards: false means "not known".
bool known_at_most(const c10::SymInt& a, const c10::SymInt& b) {
  return known_equal(a, b) || symbolic::statically_known(a.sym_le(b)) == true;
}

/// Walks outward; `inside` is where the axes so far end.
bool starts_outside(const c10::SymInt& stride, const c10::SymInt& size, c10::SymInt& inside) {
  if (!known_at_most(inside, stride)) return false;
  inside = stride * size;
  return true;
}

}  // namespace

int compare_axes(const c10::SymInt& stride_a, const c10::SymInt& stride_b, const c10::SymInt& size_a,
                 const c10::SymInt& size_b) {
  if (is_zero(stride_a) || is_zero(stride_b)) return 0;
  if (layout_less(stride_a, stride_b)) return -1;
  if (layout_less(stride_b, stride_a)) return 1;
  return layout_less(size_b, size_a) ? 1 : 0;
}

Order order_of(const TensorMeta& self) {
  return innermost_first(self.sizes.size(), [&](size_t a, size_t b) {
    return compare_axes(self.strides[a], self.strides[b], self.sizes[a], self.sizes[b]);
  });
}

Sizes packed_strides(const Order& order, c10::SymIntArrayRef sizes) {
  Sizes strides(sizes.size());
  c10::SymInt stride = 1;
  for (const size_t axis : order) {
    strides[axis] = stride;
    stride = stride * sizes[axis];
  }
  return strides;
}

bool surely_follows(const TensorMeta& operand, const Order& order, c10::SymIntArrayRef sizes) {
  if (operand.strides_may_differ) return false;
  const size_t missing = sizes.size() - operand.sizes.size();
  c10::SymInt inside = 1;
  for (const size_t axis : order) {
    if (axis < missing) continue;
    const c10::SymInt &size = operand.sizes[axis - missing], &stride = operand.strides[axis - missing];
    if (is_zero(stride)) continue;
    if (!known_equal(size, sizes[axis])) {
      if (!is_one(size)) return false;
      if (symbolic::statically_known(sizes[axis].sym_ne(1)) == true) continue;  // repeated at every size
    }
    if (!starts_outside(stride, size, inside)) return false;
  }
  return true;
}

bool surely_has(const TensorMeta& self, const Order& order) {
  if (self.strides_may_differ) return false;
  c10::SymInt inside = 1;
  return std::ranges::all_of(order,
                             [&](size_t axis) { return starts_outside(self.strides[axis], self.sizes[axis], inside); });
}

}  // namespace tracejet::shape
