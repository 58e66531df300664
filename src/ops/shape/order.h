#pragma once

#include <numeric>
#include <optional>
#include <span>

#include "ops/shape/shape.h"

/// The order in which the axes of a tensor lie in memory, as TensorIterator finds it.
namespace tracejet::shape {

/// Whether two sizes are equal that have to be, but for a size of 1. Where one depends on data, they are taken to be,
/// and the program refuses others when it runs.
bool fits(const c10::SymInt& a, const c10::SymInt& b);

/// Axes, innermost first.
using Order = c10::SmallVector<size_t, 5>;

/// The axes in the order of the memory: an insertion sort that leaves axes where they were (innermost last) when
/// `compare` can't tell (0). compare(a, b) > 0 puts axis b inside axis a.
template <typename Compare>
Order innermost_first(size_t rank, Compare compare) {
  Order order(rank);
  std::iota(order.rbegin(), order.rend(), size_t{0});
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

/// Which of two axes of one tensor lies inside the other: -1 the first, 1 the second, 0 unclear. By the example where
/// the ranges don't decide.
int compare_axes(const c10::SymInt& stride_a, const c10::SymInt& stride_b, const c10::SymInt& size_a,
                 const c10::SymInt& size_b);
/// The order of a tensor's own axes by that comparison.
Order order_of(const TensorMeta& self);

/// The strides of a dense tensor with its axes in this order.
Sizes packed_strides(const Order& order, c10::SymIntArrayRef sizes);

/// Whether an operand of an output of these sizes surely never asks for another order: at all declared sizes, each of
/// its axes starts where the one inside of it ends, or further out. Axes along which it stands still don't count.
bool surely_follows(const TensorMeta& operand, const Order& order, c10::SymIntArrayRef sizes);
/// The same of a tensor whose own layout it is, which surely asks for this order: it stands still along no axis.
bool surely_has(const TensorMeta& self, const Order& order);

}  // namespace tracejet::shape
