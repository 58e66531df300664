#include "ir/analysis/value_range_rules.h"

#include <cmath>
#include <unordered_map>

#include <c10/core/Scalar.h>

#include "ir/analysis/element_flow.h"
#include "ir/size_expression.h"

namespace tracejet {

namespace {

using Rules = std::unordered_map<std::string_view, RangeRule>;

Rules make_rules() {
  Rules rules;
  for (const auto table : {arithmetic_range_rules(), element_range_rules()}) {
    for (const auto& [op, rule] : table) rules.emplace(op, rule);
  }
  return rules;
}

/// What a tensor has of a number that the model wrote: `torch.full((2,), 0.5, dtype=torch.int64)` is full of 0.
double as_number_of(double number, at::ScalarType dtype) {
  if (is_integral(dtype)) return std::trunc(number);
  return dtype == at::kFloat ? static_cast<double>(static_cast<float>(number)) : number;
}

/// Some overloads (upsample_nearest2d.vec) have another name for it.
ValueRange moved(const RangeQuery& query) { return query.of(query.call.declares("self") ? "self" : "input"); }

}  // namespace

ValueRange range_of_size(const c10::SymInt& size) {
  const auto range = expression_of(size).range();
  return {static_cast<double>(std::max<int64_t>(range.min, 0)),
          std::min(static_cast<double>(range.max), kMaxRangeOfSize)};
}

ValueRange RangeQuery::as_given(std::string_view name) const {
  const Argument& argument = call.argument(name);
  if (const auto* value = std::get_if<const Value*>(&argument)) return of(**value);
  return range_of_number(call.scalar(name));
}

ValueRange range_of_number(const c10::Scalar& number) {
  if (number.isSymbolic()) {
    const auto expression = expression_of(number);
    if (expression.is_float()) return {};
    const auto range = expression.range();
    const auto bound = [](int64_t value) {
      return std::clamp(static_cast<double>(value), -kMaxRangeOfSize, kMaxRangeOfSize);
    };
    return {bound(range.min), bound(range.max)};
  }
  const double value = number.isFloatingPoint() ? number.toDouble() : static_cast<double>(number.toLong());
  // The ends of int64 stand for "beyond everything": they are compared with, not computed with.
  return {value, value, std::abs(value) < 0x1p62};
}

ValueRange RangeQuery::of(std::string_view name) const {
  ValueRange given = as_given(name);
  const auto to = dtype();
  const bool is_number = std::holds_alternative<c10::IValue>(call.argument(name));
  if (is_number) given = {as_number_of(given.min, to), as_number_of(given.max, to), given.is_reached};
  if (!is_integral(to) || to == at::kLong || given.is_within(limits_of(to))) return given;
  if (!is_number || given.min != given.max || !given.is_finite()) return limits_of(to);
  const ValueRange limits = limits_of(to);
  const double size = limits.max - limits.min + 1;
  return ValueRange::of(given.min - std::floor((given.min - limits.min) / size) * size);
}

std::optional<ValueRange> RangeQuery::optional(std::string_view name) const {
  if (!call.declares(name) || !call.has(name)) return std::nullopt;
  return of(name);
}

at::ScalarType RangeQuery::dtype() const {
  const Value* value = node.outputs()[output];
  if (value->is_tensor()) return value->tensor().dtype;
  return value->scalar().isSymFloat() ? at::kDouble : at::kLong;
}

ValueRange RangeQuery::count() const {
  const TensorMeta& self = call.tensor("self");
  std::vector<int64_t> axes;
  // One axis, a list of them, or none at all.
  if (call.declares("dim") && call.has("dim")) {
    const auto& given = std::get<c10::IValue>(call.argument("dim"));
    if (!given.isInt()) {
      axes = call.axes("dim", self.dim());
    } else if (self.dim() > 0) {
      axes = {call.axis("dim", self.dim())};
    } else {
      return ValueRange::of(1);
    }
  }
  ValueRange count = ValueRange::of(1);
  for (int64_t axis = 0; axis < self.dim(); ++axis) {
    if (!axes.empty() && std::ranges::find(axes, axis) == axes.end()) continue;
    const ValueRange size = range_of_size(self.sizes[static_cast<size_t>(axis)]);
    count = {count.min * size.min, std::min(count.max * size.max, kMaxRangeOfSize)};
  }
  return count;
}

ValueRange RangeQuery::index() const { return {0, std::max(count().max - 1, 0.0)}; }

RangeRule find_range_rule(const c10::OperatorHandle& op) {
  static const Rules rules = make_rules();
  if (const ElementFlow* flow = find_element_flow(op); flow != nullptr && flow->is_of_self()) return moved;
  const auto found = rules.find(op.operator_name().name);
  return found == rules.end() ? nullptr : found->second;
}

}  // namespace tracejet
