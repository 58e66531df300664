// PyTorch: aten/src/ATen/native/Pool.h (pooling_output_shape), aten/src/ATen/native/ConvUtils.h (conv_output_size).
#include "ops/shape/window.h"

#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet::window {

namespace {

bool known_at_most(const c10::SymInt& a, const c10::SymInt& b) {
  const auto left = a.maybe_as_int(), right = b.maybe_as_int();
  return left && right && *left <= *right;
}

void require_at_least(std::string_view name, const c10::SymInt& value, int64_t minimum) {
  require(value.sym_ge(minimum), [&] {
    return std::string(name) + " is " + shape::text({value}) + ", expected at least " + std::to_string(minimum);
  });
}

}  // namespace

c10::SymInt count(const c10::SymInt& size, const Axis& axis) {
  return (size + axis.padding * 2 - axis.dilation * (axis.kernel - 1) - 1) / axis.stride + 1;
}

c10::SymInt count_ceil(const c10::SymInt& size, const Axis& axis) {
  const c10::SymInt reach = axis.dilation * (axis.kernel - 1);
  const c10::SymInt windows = shape::ceil_div(size + axis.padding * 2 - reach - 1, axis.stride) + 1;
  // A window that starts in the right padding doesn't count. Mostly the numbers tell that there is none.
  if (known_at_most(axis.padding + axis.stride - 1, reach)) return windows;
  return windows.min(shape::ceil_div(size + axis.padding, axis.stride));
}

c10::SymInt covered(const c10::SymInt& count, const Axis& axis) {
  return (count - 1) * axis.stride - axis.padding * 2 + axis.dilation * (axis.kernel - 1) + 1;
}

std::vector<Axis> axes(const Call& call, size_t rank) {
  const Sizes kernel = call.sym_ints("kernel_size", rank);
  std::vector<Axis> result;
  for (const c10::SymInt& size : kernel) result.push_back({.kernel = size, .stride = size});
  const auto read = [&](std::string_view name, c10::SymInt Axis::* member) {
    if (!call.declares(name) || call.sym_ints(name).empty()) return;
    const Sizes values = call.sym_ints(name, rank);
    for (size_t i = 0; i < rank; ++i) result[i].*member = values[i];
  };
  read("stride", &Axis::stride);
  read("padding", &Axis::padding);
  read("dilation", &Axis::dilation);
  for (const Axis& axis : result) {
    require_at_least("kernel_size", axis.kernel, 1);
    require_at_least("stride", axis.stride, 1);
    require_at_least("padding", axis.padding, 0);
    require_at_least("dilation", axis.dilation, 1);
  }
  return result;
}

void require_elements(c10::SymIntArrayRef sizes, size_t first) {
  for (size_t axis = first; axis < sizes.size(); ++axis) {
    require(sizes[axis].sym_ge(1), [&] {
      return "self is " + shape::text(sizes) + ", expected at least one element on axis " + std::to_string(axis);
    });
  }
}

}  // namespace tracejet::window
