// The part of shape.h that is about views: the same memory in another shape.
// PyTorch: aten/src/ATen/InferSize.h (infer_size), aten/src/ATen/TensorUtils.cpp (computeStride),
// aten/src/ATen/ExpandUtils.cpp (inferExpandGeometry), aten/src/ATen/native/TensorShape.cpp (slice).
#include <algorithm>
#include <limits>
#include <sstream>

#include "ops/refusal.h"
#include "ops/shape/order.h"
#include "symbolic/sym_node.h"

namespace tracejet::shape {

namespace {

bool is_minus_one(const c10::SymInt& size) { return size.maybe_as_int() == std::optional<int64_t>(-1); }

c10::SymInt product(c10::SymIntArrayRef sizes) {
  c10::SymInt result = 1;
  for (const c10::SymInt& size : sizes) result = result * size;
  return result;
}

/// Strides of a tensor without elements are arbitrary; these are the ones ATen gives.
Sizes strides_without_elements(const TensorMeta& self, c10::SymIntArrayRef sizes) {
  return known_equal(self.sizes, sizes) ? self.strides : contiguous_strides(sizes);
}

}  // namespace

Sizes infer_size(c10::SymIntArrayRef shape, c10::SymIntArrayRef from) {
  Sizes sizes(shape.begin(), shape.end());
  Sizes unmatched(from.begin(), from.end());
  c10::SymInt* inferred = nullptr;
  c10::SymInt others = 1;
  bool is_empty = false;
  for (c10::SymInt& size : sizes) {
    if (is_minus_one(size)) {
      if (inferred != nullptr) throw ShapeError("only one size can be inferred: " + text(shape));
      inferred = &size;
      continue;
    }
    is_empty |= known_equal(size, 0);
    // A size on both sides drops out: what is left is easier to divide.
    const auto same = std::find_if(unmatched.begin(), unmatched.end(),
                                   [&](const c10::SymInt& candidate) { return known_equal(candidate, size); });
    if (same == unmatched.end()) {
      others = others * size;
    } else {
      unmatched.erase(same);
    }
  }
  const c10::SymInt rest = product(unmatched);
  const auto refuse = [&](std::string_view why) {
    std::ostringstream message;
    message << "a tensor of " << product(from) << " elements can't have shape " << text(shape) << why;
    throw ShapeError(message.str());
  };
  if (inferred == nullptr) {
    if (!is_empty && !fits(rest, others)) refuse("");
    if (is_empty && !fits(product(from), 0)) refuse("");
    return sizes;
  }
  // Where a given size is 0, anything would fit.
  for (const c10::SymInt& size : sizes) {
    if (&size != inferred) require(size.sym_ge(1), [&] { return text(shape) + ": -1 could be anything beside a 0"; });
  }
  if (!fits(rest % others, 0)) refuse("");
  *inferred = rest / others;
  return sizes;
}

namespace {

/// `same` decides whether new axes fill a chunk of old ones.
template <typename Same>
std::optional<Sizes> find_view_strides(const TensorMeta& self, c10::SymIntArrayRef sizes, Same same) {
  if (self.sizes.empty()) return Sizes(sizes.size(), 1);
  if (known_equal(self.strides, contiguous_strides(self.sizes))) return contiguous_strides(sizes);
  if (known_equal(self.numel(), 0)) return strides_without_elements(self, sizes);

  // Walks both shapes from the inside. A chunk is a run of old axes that lie in memory like one; the new axes must
  // fill each chunk exactly.
  Sizes strides(sizes.size());
  size_t remaining = sizes.size();  // new axes still without a stride
  size_t end = self.sizes.size();
  while (end > 0) {
    const c10::SymInt base = self.strides[end - 1];
    c10::SymInt chunk = 1;
    size_t begin = end;
    do {
      chunk = chunk * self.sizes[--begin];
    } while (begin > 0 && (is_one(self.sizes[begin - 1]) || known_equal(self.strides[begin - 1], chunk * base)));

    c10::SymInt filled = 1;
    while (remaining > 0) {
      const c10::SymInt& size = sizes[remaining - 1];
      const bool more = !known_equal(filled, chunk) && layout_less(filled, chunk);
      if (!more && !is_one(size)) break;
      strides[--remaining] = filled * base;
      filled = filled * size;
    }
    if (!same(filled, chunk)) return std::nullopt;
    end = begin;
  }
  if (remaining > 0) return std::nullopt;
  return strides;
}

}  // namespace

std::optional<Sizes> view_strides(const TensorMeta& self, c10::SymIntArrayRef sizes) {
  return find_view_strides(self, sizes, [](const auto& a, const auto& b) { return equal(a, b); });
}

bool is_known_view(const TensorMeta& self, c10::SymIntArrayRef sizes) {
  return find_view_strides(self, sizes, [](const auto& a, const auto& b) { return known_equal(a, b); }).has_value();
}

TensorMeta expanded(const TensorMeta& self, c10::SymIntArrayRef target) {
  if (target.size() < self.sizes.size()) {
    throw ShapeError("expand to " + text(target) + ": the tensor has more axes, " + text(self.sizes));
  }
  const size_t added = target.size() - self.sizes.size();
  Sizes sizes(target.size()), strides(target.size());
  for (size_t axis = target.size(); axis-- > 0;) {
    const bool is_new = axis < added;
    const c10::SymInt size = is_new ? c10::SymInt(1) : self.sizes[axis - added];
    const bool keep = is_minus_one(target[axis]);
    if (keep && is_new) throw ShapeError("expand to " + text(target) + ": -1 isn't allowed for a new axis");
    sizes[axis] = keep ? size : target[axis];
    if (is_new) {
      strides[axis] = self.sizes.empty() ? c10::SymInt(0) : sizes[axis + 1] * strides[axis + 1];
    } else {
      strides[axis] = self.strides[axis - added];
    }
    if (known_equal(size, sizes[axis])) continue;
    if (is_one(size)) {
      strides[axis] = 0;
    } else if (!fits(size, sizes[axis])) {
      if (!size.is_symbolic() || !equal(size, 1)) {
        throw ShapeError("expand: " + text(self.sizes) + " doesn't fit " + text(target));
      }
      strides[axis] = 0;  // a dynamic axis that is 1 in the example, and from now on always
    }
  }
  return view_of(self, std::move(sizes), std::move(strides));
}

CountedFrom counted_from(const c10::SymInt& position) {
  const c10::SymBool is_negative = position.sym_lt(0);
  if (const auto known = symbolic::statically_known(is_negative)) {
    return *known ? CountedFrom::kEnd : CountedFrom::kStart;
  }
  // x[:, n - 2:] of a single row: an answer for sizes from 2 would count from the wrong end.
  if (!symbolic::hint_of(position) || symbolic::known_size_oblivious(is_negative)) return CountedFrom::kEither;
  return is_negative.guard_bool(__FILE__, __LINE__) ? CountedFrom::kEnd : CountedFrom::kStart;
}

c10::SymInt from_start(const c10::SymInt& position, const c10::SymInt& size) {
  switch (counted_from(position)) {
    case CountedFrom::kStart:
      return position;
    case CountedFrom::kEnd:
      return position + size;
    case CountedFrom::kEither:
      break;
  }
  const c10::SymInt one_if_negative = (position * -1).max(0).min(1);
  return position + size * one_if_negative;
}

namespace {

/// Where a slice begins or ends: 0 <= the result <= size.
c10::SymInt clamped_position(const c10::SymInt& given, const c10::SymInt& size) {
  const CountedFrom from = counted_from(given);
  if (from == CountedFrom::kStart) return given.min(size);
  if (from == CountedFrom::kEnd) return (given + size).max(0);
  // n - 1, which is only negative where there is nothing before it
  if (symbolic::follows((given + size).sym_le(0), given.sym_lt(0))) return given.max(0).min(size);
  return from_start(given, size).max(0).min(size);
}

}  // namespace

Range slice_range(const std::optional<c10::SymInt>& start, const std::optional<c10::SymInt>& end,
                  const c10::SymInt& size) {
  // Python's open end arrives as the largest integer.
  const bool is_open = !end || end->maybe_as_int() == std::optional(std::numeric_limits<int64_t>::max());
  const c10::SymInt first = start ? clamped_position(*start, size) : c10::SymInt(0);
  const c10::SymInt last = is_open ? size : clamped_position(*end, size).max(first);
  return {first, last};
}

}  // namespace tracejet::shape
