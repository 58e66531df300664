#include "symbolic/layout.h"

#include <algorithm>
#include <numeric>

#include "symbolic/steps.h"

namespace tracejet::symbolic {
namespace {

bool always(Context& context, const Condition& condition) { return context.decide(condition) == true; }

bool is_empty(Context& context, std::span<const Expression> sizes) {
  return std::any_of(sizes.begin(), sizes.end(), [&](const auto& size) { return always(context, equal(size, 0)); });
}

/// Walks the axes from the innermost outward: each stride has to be the number of elements inside of it.
bool is_packed(Context& context, std::span<const Expression> sizes, std::span<const Expression> strides,
               std::span<const size_t> innermost_first) {
  if (is_empty(context, sizes)) return true;
  Expression inside = 1;
  for (const size_t axis : innermost_first) {
    if (always(context, equal(sizes[axis], 1))) continue;  // its stride is never used
    if (context.decide_size_oblivious(equal(strides[axis], inside)) != true) return false;
    inside = inside * sizes[axis];
  }
  return true;
}

/// Channels, then the spatial axes backward, then the batch.
std::vector<size_t> channels_last_order(size_t rank) {
  std::vector<size_t> order{1};
  for (size_t axis = rank - 1; axis > 1; --axis) order.push_back(axis);
  order.push_back(0);
  return order;
}

std::vector<size_t> row_major_order(size_t rank) {
  std::vector<size_t> order(rank);
  std::iota(order.rbegin(), order.rend(), size_t{0});
  return order;
}

size_t rank_of(c10::MemoryFormat format) { return format == c10::MemoryFormat::ChannelsLast ? 4 : 5; }

}  // namespace

bool is_contiguous(Context& context, std::span<const Expression> sizes, std::span<const Expression> strides) {
  return is_packed(context, sizes, strides, row_major_order(sizes.size()));
}

bool is_contiguous(Context& context, std::span<const Expression> sizes, std::span<const Expression> strides,
                   c10::MemoryFormat format) {
  return format == c10::MemoryFormat::Contiguous
             ? is_contiguous(context, sizes, strides)
             : is_channels_last_contiguous(context, sizes, strides, rank_of(format));
}

Condition contiguous_where(std::span<const Expression> sizes, std::span<const Expression> strides,
                           c10::MemoryFormat format) {
  const StepLimit limit(StepLimit::kOperation);
  const bool is_row_major = format == c10::MemoryFormat::Contiguous;
  if (!is_row_major && sizes.size() != rank_of(format)) return Expression::truth(false);
  Condition is_packed = Expression::truth(true), is_empty = Expression::truth(false);
  Expression inside = 1, inside_of_one = 1;  // strides are made with sizes as they are, or with 1 for 0
  for (const size_t axis : is_row_major ? row_major_order(sizes.size()) : channels_last_order(sizes.size())) {
    const Condition follows = logical_or(equal(strides[axis], inside), equal(strides[axis], inside_of_one));
    is_packed = logical_and(is_packed, logical_or(equal(sizes[axis], 1), follows));
    is_empty = logical_or(is_empty, equal(sizes[axis], 0));
    inside = inside * sizes[axis];
    inside_of_one = inside_of_one * max(sizes[axis], 1);
  }
  return logical_or(is_packed, is_empty);
}

bool is_channels_last_contiguous(Context& context, std::span<const Expression> sizes,
                                 std::span<const Expression> strides, size_t rank) {
  return sizes.size() == rank && is_packed(context, sizes, strides, channels_last_order(rank));
}

bool is_channels_last_strides(Context& context, std::span<const Expression> sizes, std::span<const Expression> strides,
                              size_t rank) {
  if (sizes.size() != rank || always(context, equal(strides[1], 0)) || is_empty(context, sizes)) return false;
  Expression least = 0;
  for (const size_t axis : channels_last_order(rank)) {
    if (!always(context, less_equal(least, strides[axis]))) return false;
    // [N, 1, 1, 1] is both layouts; PyTorch calls it contiguous.
    if (axis == 0 && always(context, equal(least, strides[1]))) return false;
    least = strides[axis] * max(sizes[axis], 1);
  }
  return true;
}

bool is_non_overlapping_and_dense(Context& context, std::span<const Expression> sizes,
                                  std::span<const Expression> strides) {
  if (is_empty(context, sizes)) return true;
  std::vector<size_t> left;
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    if (!always(context, equal(sizes[axis], 1))) left.push_back(axis);
  }
  Expression inside = 1;
  while (!left.empty()) {
    const auto next = std::find_if(left.begin(), left.end(),
                                   [&](size_t axis) { return always(context, equal(strides[axis], inside)); });
    if (next == left.end()) return false;
    inside = inside * sizes[*next];
    left.erase(next);
  }
  return true;
}

}  // namespace tracejet::symbolic
