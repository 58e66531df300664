#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include <c10/core/ScalarType.h>

#include "ir/graph.h"

namespace tracejet {

/// Where all elements of a tensor lie, both bounds included. Of floats, NaN may be there too.
struct ValueRange {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  /// Some data of the inputs' dtypes does reach the bounds. Otherwise they are only what nothing excludes: int64 inputs
  /// aren't as large as their dtype allows, nor do sums have as many terms as the largest input.
  bool is_reached = false;

  static ValueRange of(double value) { return {value, value, true}; }
  bool is_within(const ValueRange& bounds) const { return bounds.min <= min && max <= bounds.max; }
  bool is_finite() const { return std::isfinite(min) && std::isfinite(max); }
  /// The largest absolute value.
  double magnitude() const { return std::max(std::abs(min), std::abs(max)); }
};

ValueRange unite(const ValueRange& a, const ValueRange& b);
ValueRange intersect(const ValueRange& a, const ValueRange& b);
/// Of an integer dtype or bool; everything for others.
ValueRange limits_of(at::ScalarType dtype);
/// "-2147483648 to 2147483647"
std::string in_words(const ValueRange& range);

/// The ranges of all values of a graph, from what is known without data: dtypes, weights, sizes, and that an index
/// which is out of bounds is an error. Takes time linear in the nodes. Subgraphs aren't looked into.
class ValueRanges {
 public:
  /// `runtime_inputs` are indices into graph.inputs(): the inputs that exist when the program runs. `int64` is where
  /// int64 values are taken to lie of which nothing else is known.
  ValueRanges(const Graph& graph, const std::vector<size_t>& runtime_inputs, const ValueRange& int64);

  /// A value of the graph: a tensor, or a number.
  const ValueRange& of(const Value& value) const { return ranges_.at(&value); }
  /// The same as long as no index has been checked: one that is out of bounds is a value like others.
  const ValueRange& unchecked(const Value& value) const;
  /// What its operator would give if integers had no end; of() is the same where that fits into the dtype.
  const ValueRange& unwrapped(const Value& value) const { return unwrapped_.at(&value); }
  const ValueRange& int64() const { return int64_; }

 private:
  void read_inputs(const Graph& graph, const std::vector<size_t>& runtime_inputs);
  void read_demands(const Graph& graph);
  void demand(const Value& value, const ValueRange& range);
  void pass_on(const Node& node);
  void add(const Node& node, size_t output);
  void add(const Value& value, const ValueRange& unwrapped);
  /// What fits into the dtype.
  ValueRange wrapped(const Value& value, const ValueRange& unwrapped) const;
  ValueRange limits(at::ScalarType dtype) const;

  ValueRange int64_;
  std::unordered_map<const Value*, ValueRange> ranges_, unwrapped_;
  std::unordered_map<const Value*, ValueRange> unchecked_;  // only where it is another one
  std::unordered_map<const Value*, ValueRange> demands_;    // where values lie in every run that isn't an error
};

/// A node with int64 values beyond `bounds`.
struct Overflow {
  const Node* node;
  ValueRange range;
};
std::vector<Overflow> find_overflows(const Graph& graph, const ValueRanges& ranges, const ValueRange& bounds);
inline std::vector<Overflow> find_overflows(const Graph& graph, const ValueRanges& ranges) {
  return find_overflows(graph, ranges, ranges.int64());
}

}  // namespace tracejet
