// The part of shape.h that is about operators whose output has an element for each element of their operands.
// PyTorch: aten/src/ATen/TensorIterator.cpp (compute_fast_setup_type, reorder_dimensions),
// aten/src/ATen/ExpandUtils.cpp (infer_size).
#include <algorithm>
#include <numeric>

#include "ops/shape/order.h"

namespace tracejet::shape {

namespace {

c10::SymInt broadcast(const c10::SymInt& a, const c10::SymInt& b, c10::SymIntArrayRef all_a,
                      c10::SymIntArrayRef all_b) {
  if (known_equal(a, b)) return a.is_symbolic() ? b : a;  // of 8 and a symbol that must be 8, 8 says more
  if (is_one(a)) return b;
  if (is_one(b)) return a;
  if (fits(a, b)) return a.is_symbolic() ? b : a;
  // A dynamic axis is 1 in the example, or at all sizes from 2 (`min(1, n - 1)`): then it must be 1 always.
  if (a.is_symbolic() && equal(a, 1) && fits(a, 1)) return b;
  if (b.is_symbolic() && equal(b, 1) && fits(b, 1)) return a;
  throw ShapeError("sizes can't be broadcast together: " + text(all_a) + " and " + text(all_b));
}

/// The stride of an operand along an axis of the output; 0 where the operand is repeated along it.
c10::SymInt stride_along(const TensorMeta& operand, size_t axis, c10::SymIntArrayRef output) {
  const size_t missing = output.size() - operand.sizes.size();
  if (axis < missing) return 0;
  const size_t own = axis - missing;
  return known_equal(operand.sizes[own], output[axis]) ? operand.strides[own] : c10::SymInt(0);
}

bool same_sizes(std::span<const TensorMeta* const> operands) {
  const auto differs = [&](const TensorMeta* operand) {
    if (operand == nullptr || operands[0] == nullptr) return operand != operands[0];
    return !known_equal(operand->sizes, operands[0]->sizes);
  };
  return std::none_of(operands.begin(), operands.end(), differs);
}

template <typename Predicate>
bool all(std::span<const TensorMeta* const> operands, Predicate predicate) {
  return std::all_of(operands.begin(), operands.end(), [&](const TensorMeta* operand) { return predicate(*operand); });
}

/// The strides when all operands have the same sizes and a common layout; nullopt otherwise.
std::optional<Sizes> common_strides(std::span<const TensorMeta* const> operands, c10::SymIntArrayRef sizes) {
  if (!same_sizes(operands) || operands[0] == nullptr) return std::nullopt;
  if (all(operands, [](const TensorMeta& operand) { return is_contiguous(operand); })) return contiguous_strides(sizes);
  if (all(operands,
          [](const TensorMeta& operand) { return is_contiguous(operand, c10::MemoryFormat::ChannelsLast); })) {
    return channels_last_strides(sizes);
  }
  const Sizes& first = operands[0]->strides;
  if (all(operands,
          [&](const TensorMeta& operand) { return is_dense(operand) && known_equal(operand.strides, first); })) {
    return first;
  }
  return std::nullopt;
}

/// The order of axes that the operands agree on: the first one with an opinion decides. By the example where sizes
/// aren't known.
Order common_order(std::span<const TensorMeta* const> operands, c10::SymIntArrayRef sizes) {
  return innermost_first(sizes.size(), [&](size_t a, size_t b) {
    for (const TensorMeta* operand : operands) {
      if (operand == nullptr) continue;
      const int comparison =
          compare_axes(stride_along(*operand, a, sizes), stride_along(*operand, b, sizes), sizes[a], sizes[b]);
      if (comparison != 0) return comparison;
    }
    return 0;
  });
}

/// The order that the output surely has at all declared sizes, axes of size 1 aside, which have no place in it.
std::optional<Order> sure_order(std::span<const TensorMeta* const> operands, c10::SymIntArrayRef sizes) {
  const auto follows = [&](const Order& order) {
    return [&](const TensorMeta* operand) { return operand == nullptr || surely_follows(*operand, order, sizes); };
  };
  // Axes stay where they are, row-major, unless an operand asks for another order.
  Order row_major(sizes.size());
  std::iota(row_major.rbegin(), row_major.rend(), size_t{0});
  if (std::ranges::all_of(operands, follows(row_major))) return row_major;
  // An operand without axes to stand still along has an opinion on every pair, so those after it have none to add.
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i] == nullptr || !known_equal(operands[i]->sizes, sizes)) continue;
    const Order order = order_of(*operands[i]);
    if (surely_has(*operands[i], order) && std::ranges::all_of(operands.first(i), follows(order))) return order;
  }
  return std::nullopt;
}

/// Whether two orders are the same but for axes of size 1.
bool agree(Order a, Order b, c10::SymIntArrayRef sizes) {
  const auto is_trivial = [&](size_t axis) { return is_one(sizes[axis]); };
  a.erase(std::remove_if(a.begin(), a.end(), is_trivial), a.end());
  b.erase(std::remove_if(b.begin(), b.end(), is_trivial), b.end());
  return a == b;
}

bool is_row_major(const Order& order) { return std::is_sorted(order.rbegin(), order.rend()); }

/// Strides, and whether they may be others at some of the declared sizes.
struct Layout {
  Sizes strides;
  bool may_differ = false;
};

Layout pointwise_layout(std::span<const TensorMeta* const> operands, c10::SymIntArrayRef sizes) {
  if (sizes.empty()) return {};
  if (auto strides = common_strides(operands, sizes)) return {*std::move(strides)};
  const auto is_known = [](const TensorMeta* operand) {
    return operand == nullptr || (!operand->is_symbolic() && !operand->strides_may_differ);
  };
  Order order = common_order(operands, sizes);
  const bool is_example_enough = std::ranges::all_of(operands, is_known);
  const auto sure = is_example_enough ? std::nullopt : sure_order(operands, sizes);
  // Of axes of size 1, only the example tells where PyTorch puts them.
  if (sure && !agree(*sure, order, sizes)) order = *sure;
  const bool may_differ = !sure && !is_example_enough;
  return {is_row_major(order) ? contiguous_strides(sizes) : packed_strides(order, sizes), may_differ};
}

c10::Device common_device(std::span<const TensorMeta* const> operands) {
  c10::Device device(c10::kCPU);
  for (const TensorMeta* operand : operands) {
    if (operand == nullptr) continue;
    if (operand->dim() > 0 || !operand->device.is_cpu()) return operand->device;
  }
  return device;
}

}  // namespace

Sizes broadcast(c10::SymIntArrayRef a, c10::SymIntArrayRef b) {
  const c10::SymIntArrayRef longer = a.size() >= b.size() ? a : b;
  const size_t rank = longer.size();
  Sizes sizes(longer.begin(), longer.end());
  for (size_t back = 1; back <= std::min(a.size(), b.size()); ++back) {
    sizes[rank - back] = broadcast(a[a.size() - back], b[b.size() - back], a, b);
  }
  return sizes;
}

TensorMeta pointwise(std::span<const TensorMeta* const> operands, at::ScalarType dtype) {
  Sizes sizes;
  for (const TensorMeta* operand : operands) {
    if (operand == nullptr) continue;
    sizes = sizes.empty() ? operand->sizes : broadcast(sizes, operand->sizes);
  }
  Layout layout = pointwise_layout(operands, sizes);
  TensorMeta output = strided(std::move(sizes), std::move(layout.strides), dtype, common_device(operands));
  output.strides_may_differ = layout.may_differ;
  return output;
}

TensorMeta pointwise(std::initializer_list<const TensorMeta*> operands, at::ScalarType dtype) {
  return pointwise(std::span(operands.begin(), operands.size()), dtype);
}

}  // namespace tracejet::shape
