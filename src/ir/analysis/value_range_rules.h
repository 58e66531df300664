#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "ir/analysis/value_range.h"
#include "ir/call.h"

namespace tracejet {

inline bool is_integral(at::ScalarType dtype) { return at::isIntegralType(dtype, /*includeBool=*/true); }

/// What a rule reads: one output of a call.
class RangeQuery {
 public:
  /// `unchecked`: see ValueRanges::unchecked().
  RangeQuery(const ValueRanges& ranges, const Node& node, size_t output, bool unchecked = false)
      : call(node), node(node), output(output), ranges_(ranges), unchecked_(unchecked) {}

  const Call call;
  const Node& node;
  const size_t output;  ///< which one

  /// An argument as the operator computes with it: a tensor or a number, brought to the dtype of the result.
  ValueRange of(std::string_view name) const;
  /// An argument as it comes.
  ValueRange as_given(std::string_view name) const;
  ValueRange of(const Value& value) const { return unchecked_ ? ranges_.unchecked(value) : ranges_.of(value); }
  /// What is said of a number that the model gave; nothing where it is None or left out.
  std::optional<ValueRange> optional(std::string_view name) const;
  at::ScalarType dtype() const;
  /// How many elements the axes `dim` have together (all, where there is no such argument).
  ValueRange count() const;
  /// What an index into `self` along `dim` can be.
  ValueRange index() const;

 private:
  const ValueRanges& ranges_;
  const bool unchecked_;
};

/// A number that the model gave, known or computed from sizes.
ValueRange range_of_number(const c10::Scalar& number);
inline constexpr double kMaxRangeOfSize = 0x1p31 - 1;
/// What a size may be; an unbounded one ends where 32 bits do.
ValueRange range_of_size(const c10::SymInt& size);

using RangeRule = ValueRange (*)(const RangeQuery&);
/// The rule of an operator: the range of its results in integers without end. Null where nothing is known.
RangeRule find_range_rule(const c10::OperatorHandle& op);

/// The rule of all overloads of an operator.
struct NamedRangeRule {
  std::string_view op;
  RangeRule rule;
};
std::span<const NamedRangeRule> arithmetic_range_rules();
std::span<const NamedRangeRule> element_range_rules();

}  // namespace tracejet
