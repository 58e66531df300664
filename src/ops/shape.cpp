#include "ops/shape.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <sstream>

#include "symbolic/sym_node.h"

namespace tracejet::shape {

// Questions about sizes ----------------------------------------------------------------------------------------------

namespace {

/// The answer that needs no look at expressions: for two plain numbers, and for the same symbolic number twice.
std::optional<bool> equal_at_once(const c10::SymInt& a, const c10::SymInt& b) {
  if (!a.is_heap_allocated() && !b.is_heap_allocated()) return a.as_int_unchecked() == b.as_int_unchecked();
  const bool both = a.is_heap_allocated() && b.is_heap_allocated();
  if (both && a.toSymNodeImplUnowned() == b.toSymNodeImplUnowned()) return true;
  const auto x = a.maybe_as_int(), y = b.maybe_as_int();
  return x && y ? std::optional(*x == *y) : std::nullopt;
}

}  // namespace

bool equal(const c10::SymInt& a, const c10::SymInt& b) {
  if (const auto answer = equal_at_once(a, b)) return *answer;
  return a.sym_eq(b).guard_bool(__FILE__, __LINE__);
}

bool known_equal(const c10::SymInt& a, const c10::SymInt& b) {
  if (const auto answer = equal_at_once(a, b)) return *answer;
  return symbolic::is_statically_equal(a, b);
}

bool known_equal(c10::SymIntArrayRef a, c10::SymIntArrayRef b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const c10::SymInt& x, const c10::SymInt& y) { return known_equal(x, y); });
}

bool is_one(const c10::SymInt& size) { return known_equal(size, 1); }

bool layout_less(const c10::SymInt& a, const c10::SymInt& b) {
  const auto x = a.maybe_as_int(), y = b.maybe_as_int();
  if (x && y) return *x < *y;
  if (const auto known = symbolic::known_for_general_sizes(a.sym_lt(b))) return *known;
  const auto hint_a = symbolic::hint_of(a), hint_b = symbolic::hint_of(b);
  return hint_a && hint_b && *hint_a < *hint_b;
}

std::string text(c10::SymIntArrayRef sizes) {
  std::ostringstream out;
  out << '[';
  for (size_t i = 0; i < sizes.size(); ++i) out << (i == 0 ? "" : ", ") << sizes[i];
  out << ']';
  return out.str();
}

void require_equal(const c10::SymInt& a, const c10::SymInt& b, std::string_view what) {
  // Sizes that hang on data are taken to fit: the operator itself refuses them when the program runs.
  const bool is_open = !symbolic::hint_of(a) || !symbolic::hint_of(b);
  if (is_open ? a.sym_eq(b).expect_true(__FILE__, __LINE__) : equal(a, b)) return;
  std::ostringstream message;
  message << what << " must be equal: " << a << " and " << b;
  throw ShapeError(message.str());
}

int64_t wrap_axis(int64_t axis, int64_t rank) {
  const int64_t bound = std::max<int64_t>(rank, 1);
  if (axis >= -bound && axis < bound) return axis < 0 ? axis + bound : axis;
  throw ShapeError("axis " + std::to_string(axis) + " is outside [" + std::to_string(-bound) + ", " +
                   std::to_string(bound - 1) + "]");
}

c10::SymInt ceil_div(const c10::SymInt& a, const c10::SymInt& b) { return (a + b - 1) / b; }

TensorMeta describe(const at::Tensor& tensor) {
  TensorMeta meta = strided({}, {}, tensor.scalar_type(), tensor.device());
  meta.sizes.append(tensor.sym_sizes().begin(), tensor.sym_sizes().end());
  meta.strides.append(tensor.sym_strides().begin(), tensor.sym_strides().end());
  meta.storage_offset = tensor.sym_storage_offset();
  return meta;
}

namespace {

/// Known to hold one element at most, so that its stride has no meaning.
bool is_trivial(const c10::SymInt& size) {
  const auto known = size.maybe_as_int();
  return known ? *known < 2 : is_one(size);
}

/// The axes in the order of the memory, innermost first: an insertion sort that leaves axes where they were
/// (innermost last) when `compare` can't tell (0). compare(a, b) > 0 puts axis b inside axis a.
template <typename Compare>
c10::SmallVector<size_t, 5> innermost_first(size_t rank, Compare compare) {
  c10::SmallVector<size_t, 5> order(rank);
  std::iota(order.rbegin(), order.rend(), 0);
  for (size_t i = 1; i < rank; ++i) {
    size_t moving = i;
    for (size_t candidate = i; candidate-- > 0;) {
      const int comparison = compare(order[candidate], order[moving]);
      if (comparison < 0) break;
      if (comparison == 0) continue;
      std::swap(order[candidate], order[moving]);
      moving = candidate;
    }
  }
  return order;
}

bool is_zero(const c10::SymInt& value) { return known_equal(value, 0); }

/// Which of two axes of one tensor lies inside the other: -1 the first, 1 the second, 0 unclear.
int compare_axes(const c10::SymInt& stride_a, const c10::SymInt& stride_b, const c10::SymInt& size_a,
                 const c10::SymInt& size_b) {
  if (is_zero(stride_a) || is_zero(stride_b)) return 0;
  if (layout_less(stride_a, stride_b)) return -1;
  if (layout_less(stride_b, stride_a)) return 1;
  return layout_less(size_b, size_a) ? 1 : 0;
}

/// The axes from inside to outside in a channels-last tensor of this rank; empty if there is no such layout.
std::span<const size_t> channels_last_order(size_t rank) {
  static constexpr std::array<size_t, 4> planar = {1, 3, 2, 0};
  static constexpr std::array<size_t, 5> spatial = {1, 4, 3, 2, 0};
  if (rank == 4) return planar;
  if (rank == 5) return spatial;
  return {};
}

size_t rank_of(c10::MemoryFormat format) { return format == c10::MemoryFormat::ChannelsLast ? 4 : 5; }

/// Whether each axis, from inside to outside, starts where the one before ends.
template <typename Order>
bool is_packed(const TensorMeta& self, const Order& order) {
  c10::SymInt expected = 1;
  for (size_t i = 0; i < order.size(); ++i) {
    const size_t axis = order[i];
    if (!known_equal(self.strides[axis], expected)) {
      if (is_one(self.sizes[axis])) continue;
      return false;
    }
    const bool outermost = i + 1 == order.size();  // spares the product of symbolic sizes that nobody asks for
    if (!outermost) expected = expected * self.sizes[axis];
  }
  return true;
}

bool has_no_elements(const TensorMeta& self) { return std::any_of(self.sizes.begin(), self.sizes.end(), is_zero); }

bool looks_channels_last(const TensorMeta& self) {
  const auto order = channels_last_order(self.sizes.size());
  if (order.empty() || is_zero(self.strides[1])) return false;
  c10::SymInt least = 0;
  for (size_t axis : order) {
    if (is_zero(self.sizes[axis]) || layout_less(self.strides[axis], least)) return false;
    if (axis == 0 && known_equal(least, self.strides[1])) return false;  // N111: ambiguous, and then row-major
    least = self.strides[axis];
    if (!is_trivial(self.sizes[axis])) least = least * self.sizes[axis];
  }
  return true;
}

}  // namespace

// Layouts ------------------------------------------------------------------------------------------------------------

TensorMeta strided(Sizes sizes, Sizes strides, at::ScalarType dtype, c10::Device device) {
  return {.sizes = std::move(sizes), .strides = std::move(strides), .dtype = dtype, .device = device};
}

TensorMeta contiguous(Sizes sizes, at::ScalarType dtype, c10::Device device) {
  Sizes strides = contiguous_strides(sizes);
  return strided(std::move(sizes), std::move(strides), dtype, device);
}

TensorMeta view_of(const TensorMeta& base, Sizes sizes, Sizes strides) {
  TensorMeta view = strided(std::move(sizes), std::move(strides), base.dtype, base.device);
  view.storage_offset = base.storage_offset;
  return view;
}

TensorMeta in_format(Sizes sizes, c10::MemoryFormat format, at::ScalarType dtype, c10::Device device) {
  if (format != c10::MemoryFormat::ChannelsLast && format != c10::MemoryFormat::ChannelsLast3d) {
    return contiguous(std::move(sizes), dtype, device);
  }
  if (sizes.size() != rank_of(format)) {
    throw ShapeError("a channels-last tensor must have " + std::to_string(rank_of(format)) + " axes, not " +
                     std::to_string(sizes.size()));
  }
  Sizes strides = channels_last_strides(sizes);
  return strided(std::move(sizes), std::move(strides), dtype, device);
}

TensorMeta like(const TensorMeta& self, at::ScalarType dtype, c10::MemoryFormat format) {
  if (format != c10::MemoryFormat::Preserve) return in_format(self.sizes, format, dtype, self.device);
  if (is_dense(self)) return strided(self.sizes, self.strides, dtype, self.device);
  const auto order = innermost_first(self.sizes.size(), [&](size_t a, size_t b) {
    return compare_axes(self.strides[a], self.strides[b], self.sizes[a], self.sizes[b]);
  });
  Sizes strides(self.sizes.size());
  c10::SymInt stride = 1;
  for (size_t axis : order) {
    strides[axis] = stride;
    if (!is_trivial(self.sizes[axis])) stride = stride * self.sizes[axis];
  }
  return strided(self.sizes, std::move(strides), dtype, self.device);
}

Sizes channels_last_strides(c10::SymIntArrayRef sizes) {
  Sizes strides(sizes.size());
  c10::SymInt stride = 1;
  for (size_t axis : channels_last_order(sizes.size())) {
    strides[axis] = stride;
    stride = stride * sizes[axis];
  }
  return strides;
}

bool is_contiguous(const TensorMeta& self, c10::MemoryFormat format) {
  if (format == c10::MemoryFormat::ChannelsLast || format == c10::MemoryFormat::ChannelsLast3d) {
    const size_t rank = rank_of(format);
    return self.sizes.size() == rank && is_packed(self, channels_last_order(rank));
  }
  c10::SmallVector<size_t, 5> row_major(self.sizes.size());
  std::iota(row_major.rbegin(), row_major.rend(), 0);
  return is_packed(self, row_major) || has_no_elements(self);
}

bool is_dense(const TensorMeta& self) {
  if (is_contiguous(self)) return true;
  c10::SmallVector<size_t, 5> order;
  for (size_t axis = 0; axis < self.sizes.size(); ++axis) {
    if (!is_trivial(self.sizes[axis])) order.push_back(axis);
  }
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return layout_less(self.strides[a], self.strides[b]); });
  return is_packed(self, order);
}

c10::MemoryFormat suggested_format(const TensorMeta& self) {
  if (!looks_channels_last(self)) return c10::MemoryFormat::Contiguous;
  return self.sizes.size() == 4 ? c10::MemoryFormat::ChannelsLast : c10::MemoryFormat::ChannelsLast3d;
}

// Pointwise operators ------------------------------------------------------------------------------------------------

namespace {

c10::SymInt broadcast(const c10::SymInt& a, const c10::SymInt& b, c10::SymIntArrayRef all_a,
                      c10::SymIntArrayRef all_b) {
  if (equal_at_once(a, b) == true) return a;
  if (is_one(a)) return b;
  if (is_one(b)) return a;
  if (equal(a, b)) return a.is_symbolic() ? b : a;  // of 8 and a symbol that must be 8, 8 says more
  // A dynamic axis is 1 in the example: then it must be 1 always.
  if (a.is_symbolic() && equal(a, 1)) return b;
  if (b.is_symbolic() && equal(b, 1)) return a;
  throw ShapeError("sizes can't be broadcast together: " + text(all_a) + " and " + text(all_b));
}

/// The stride of an operand along an axis of the output; 0 where the operand is repeated along it.
c10::SymInt stride_along(const TensorMeta& operand, size_t axis, c10::SymIntArrayRef output) {
  const size_t missing = output.size() - operand.sizes.size();
  if (axis < missing) return 0;
  const size_t own = axis - missing;
  const bool repeated = is_one(operand.sizes[own]) && !is_one(output[axis]);
  return repeated ? c10::SymInt(0) : operand.strides[own];
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

/// The order of axes that the operands agree on: the first one with an opinion decides.
c10::SmallVector<size_t, 5> common_order(std::span<const TensorMeta* const> operands, c10::SymIntArrayRef sizes) {
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

Sizes pointwise_strides(std::span<const TensorMeta* const> operands, c10::SymIntArrayRef sizes) {
  if (sizes.empty()) return {};
  if (auto strides = common_strides(operands, sizes)) return *strides;
  const auto order = common_order(operands, sizes);
  if (std::is_sorted(order.rbegin(), order.rend())) return contiguous_strides(sizes);
  Sizes strides(sizes.size());
  c10::SymInt stride = 1;
  for (size_t axis : order) {
    strides[axis] = stride;
    stride = stride * sizes[axis];
  }
  return strides;
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
  Sizes strides = pointwise_strides(operands, sizes);
  return strided(std::move(sizes), std::move(strides), dtype, common_device(operands));
}

TensorMeta pointwise(std::initializer_list<const TensorMeta*> operands, at::ScalarType dtype) {
  return pointwise(std::span(operands.begin(), operands.size()), dtype);
}

// Reductions ---------------------------------------------------------------------------------------------------------

TensorMeta reduced(const TensorMeta& self, std::span<const int64_t> axes, bool keep, at::ScalarType dtype) {
  Sizes sizes;
  for (int64_t axis = 0; axis < self.dim(); ++axis) {
    const bool folded = axes.empty() || std::find(axes.begin(), axes.end(), axis) != axes.end();
    if (!folded) sizes.push_back(self.sizes[axis]);
    if (folded && keep) sizes.push_back(1);
  }
  return contiguous(std::move(sizes), dtype, self.device);
}

}  // namespace tracejet::shape
