// PyTorch: aten/src/ATen/native/TensorFactories.cpp (empty_like), aten/src/ATen/ExpandUtils.cpp (infer_dense_strides),
// aten/src/ATen/native/ReduceOpsUtils.h (shape_from_dim_mask).
#include "ops/shape/shape.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <sstream>

#include "ir/call.h"
#include "ops/shape/order.h"
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

bool fits(const c10::SymInt& a, const c10::SymInt& b) {
  if (const auto answer = equal_at_once(a, b)) return *answer;
  const bool is_open = !symbolic::hint_of(a) || !symbolic::hint_of(b);
  // Where only sizes of 0 and 1 make them differ (2 and min(2, n)), that they are equal is checked in a run.
  return is_open ? a.sym_eq(b).expect_true(__FILE__, __LINE__) : symbolic::require(a.sym_eq(b));
}

bool known_equal(const c10::SymInt& a, const c10::SymInt& b) {
  if (const auto answer = equal_at_once(a, b)) return *answer;
  return symbolic::is_statically_equal(a, b);
}

bool known_equal(c10::SymIntArrayRef a, c10::SymIntArrayRef b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const c10::SymInt& x, const c10::SymInt& y) { return known_equal(x, y); });
}

bool is_zero(const c10::SymInt& value) { return known_equal(value, 0); }
bool is_one(const c10::SymInt& size) { return known_equal(size, 1); }

bool layout_less(const c10::SymInt& a, const c10::SymInt& b) {
  const auto x = a.maybe_as_int(), y = b.maybe_as_int();
  if (x && y) return *x < *y;
  if (const auto known = symbolic::known_size_oblivious(a.sym_lt(b))) return *known;
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
  if (fits(a, b)) return;
  std::ostringstream message;
  message << what << " must be equal: " << a << " and " << b;
  throw ShapeError(message.str());
}

int64_t wrap_axis(int64_t axis, int64_t rank) {
  if (const auto wrapped = wrapped_axis(axis, rank)) return *wrapped;
  throw ShapeError("axis " + axis_range(axis, rank));
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
template <typename Axes>
bool is_packed(const TensorMeta& self, const Axes& order) {
  if (self.strides_may_differ) return false;
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

/// An answer, and whether it is the one at all declared sizes.
struct Answer {
  bool yes;
  bool is_sure;
};

bool is_decided(const c10::SymBool& condition) { return symbolic::statically_known(condition).has_value(); }

Answer looks_channels_last(const TensorMeta& self) {
  const auto order = channels_last_order(self.sizes.size());
  bool is_sure = !self.strides_may_differ;
  if (order.empty() || is_zero(self.strides[1])) return {false, is_sure || order.empty()};
  c10::SymInt least = 0;
  for (size_t axis : order) {
    const c10::SymInt &size = self.sizes[axis], &stride = self.strides[axis];
    // A "no" that is certain makes the answers before it irrelevant.
    if (is_zero(size)) return {false, true};
    const bool is_less_decided = is_decided(stride.sym_lt(least));
    if (layout_less(stride, least)) return {false, !self.strides_may_differ && (is_sure || is_less_decided)};
    is_sure = is_sure && is_less_decided;
    if (axis == 0) {
      if (known_equal(least, self.strides[1])) return {false, is_sure};  // N111: ambiguous, and then row-major
      is_sure = is_sure && is_decided(least.sym_eq(self.strides[1]));
    }
    least = stride;
    if (!is_trivial(size)) least = least * size;
  }
  return {true, is_sure};
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
  view.strides_may_differ = base.strides_may_differ;
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
  const Order order = order_of(self);
  Sizes strides(self.sizes.size());
  c10::SymInt stride = 1;
  for (size_t axis : order) {
    strides[axis] = stride;
    if (!is_trivial(self.sizes[axis])) stride = stride * self.sizes[axis];
  }
  TensorMeta result = strided(self.sizes, std::move(strides), dtype, self.device);
  result.strides_may_differ = self.strides_may_differ || (self.is_symbolic() && !surely_has(self, order));
  return result;
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

SuggestedFormat suggested_format(const TensorMeta& self) {
  const auto [is_channels_last, is_sure] = looks_channels_last(self);
  if (!is_channels_last) return {c10::MemoryFormat::Contiguous, !is_sure};
  return {self.sizes.size() == 4 ? c10::MemoryFormat::ChannelsLast : c10::MemoryFormat::ChannelsLast3d, !is_sure};
}

TensorMeta in_format(Sizes sizes, const SuggestedFormat& format, at::ScalarType dtype, c10::Device device) {
  TensorMeta result = in_format(std::move(sizes), format.format, dtype, device);
  result.strides_may_differ = format.may_differ;
  return result;
}

TensorMeta like_batch(const TensorMeta& input, Sizes sizes, size_t spatial) {
  const bool batch = spatial > 1 && sizes.size() == spatial + 2;
  if (!batch) return contiguous(std::move(sizes), input.dtype, input.device);
  return in_format(std::move(sizes), suggested_format(input), input.dtype, input.device);
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
