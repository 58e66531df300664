#include "ir/analysis/value_range.h"

#include <ATen/ops/aminmax.h>

#include "ir/analysis/element_flow.h"
#include "ir/analysis/value_range_rules.h"
#include "ir/call.h"

namespace tracejet {

namespace {

// Small floats are scales and limits; reading large ones would cost more than it tells.
constexpr int64_t kFloatsRead = 64;

ValueRange range_of_data(const at::Tensor& data) {
  const auto dtype = data.scalar_type();
  const bool is_number =
      at::isFloatingType(dtype) ? data.numel() <= kFloatsRead : dtype == at::kLong || dtype == at::kInt;
  if (!is_number || !data.device().is_cpu() || data.numel() == 0) return limits_of(dtype);
  const auto [min, max] = at::aminmax(data.detach().to(at::isFloatingType(dtype) ? at::kDouble : at::kLong));
  if (at::isFloatingType(dtype)) return {min.item<double>(), max.item<double>(), true};
  return {static_cast<double>(min.item<int64_t>()), static_cast<double>(max.item<int64_t>()), true};
}

struct Demand {
  const Value* index;
  ValueRange range;
};

/// What an operator that picks elements asks of its indices.
std::vector<Demand> demands_of(const Node& node) {
  const Call call(node);
  const std::string_view name = node.op().operator_name().name;
  const auto below = [](const c10::SymInt& size) { return std::max(range_of_size(size).max - 1, 0.0); };
  if (name == "aten::embedding") return {{&call.value("indices"), {0, below(call.tensor("weight").sizes[0])}}};
  const bool has_axis = name == "aten::gather" || name == "aten::index_select" || name.starts_with("aten::scatter");
  if (has_axis && call.declares("index") && call.tensor("self").dim() > 0) {
    const TensorMeta& self = call.tensor("self");
    return {{&call.value("index"), {0, below(self.sizes[static_cast<size_t>(call.axis("dim", self.dim()))])}}};
  }
  std::vector<Demand> demands;
  if (name != "aten::index" && name != "aten::index_put") return demands;
  const auto indices = call.values("indices");
  for (size_t axis = 0; axis < indices.size(); ++axis) {
    if (indices[axis] == nullptr) continue;
    const auto dtype = indices[axis]->tensor().dtype;
    if (dtype != at::kLong && dtype != at::kInt) return {};  // a mask: axes count otherwise
    const double last = below(call.tensor("self").sizes[axis]);
    demands.push_back({indices[axis], {-last - 1, last}});
  }
  return demands;
}

}  // namespace

ValueRange unite(const ValueRange& a, const ValueRange& b) {
  return {std::min(a.min, b.min), std::max(a.max, b.max), a.is_reached && b.is_reached};
}

ValueRange intersect(const ValueRange& a, const ValueRange& b) {
  return {std::max(a.min, b.min), std::min(a.max, b.max), a.is_reached && b.is_reached};
}

ValueRange limits_of(at::ScalarType dtype) {
  switch (dtype) {
    case at::kBool:
      return {0, 1, true};
    case at::kByte:
      return {0, 255, true};
    case at::kChar:
      return {-128, 127, true};
    case at::kShort:
      return {-32768, 32767, true};
    case at::kUInt16:
      return {0, 65535, true};
    case at::kInt:
      return {-0x1p31, 0x1p31 - 1, false};
    case at::kUInt32:
      return {0, 0x1p32 - 1, false};
    case at::kLong:
      return {-0x1p63, 0x1p63, false};
    case at::kUInt64:
      return {0, 0x1p64, false};
    default:
      return {};
  }
}

std::string in_words(const ValueRange& range) {
  const auto text = [](double value) {
    return std::abs(value) < 0x1p62 ? std::to_string(static_cast<int64_t>(value)) : value < 0 ? "-2^63" : "2^63";
  };
  return text(range.min) + " to " + text(range.max);
}

ValueRanges::ValueRanges(const Graph& graph, const std::vector<size_t>& runtime_inputs, const ValueRange& int64)
    : int64_(int64) {
  read_demands(graph);
  read_inputs(graph, runtime_inputs);
  for (const Node& node : graph.nodes()) {
    for (size_t i = 0; i < node.outputs().size(); ++i) {
      if (node.outputs()[i] != nullptr) add(node, i);
    }
  }
}

void ValueRanges::add(const Node& node, size_t output) {
  const Value& value = *node.outputs()[output];
  const auto dtype = value.is_tensor() ? value.tensor().dtype : at::kLong;
  const RangeRule rule = find_range_rule(node.op());
  if (rule == nullptr || dtype == at::kBool || at::isComplexType(dtype)) return add(value, limits(dtype));
  add(value, rule(RangeQuery(*this, node, output)));
  bool follows_check = false;
  for (const Argument& argument : node.arguments()) {
    for_each_value(argument, [&](const Value& operand) { follows_check |= unchecked_.contains(&operand); });
  }
  if (follows_check) unchecked_[&value] = wrapped(value, rule(RangeQuery(*this, node, output, /*unchecked=*/true)));
}

const ValueRange& ValueRanges::unchecked(const Value& value) const {
  const auto found = unchecked_.find(&value);
  return found == unchecked_.end() ? of(value) : found->second;
}

ValueRange ValueRanges::limits(at::ScalarType dtype) const { return dtype == at::kLong ? int64_ : limits_of(dtype); }

void ValueRanges::read_inputs(const Graph& graph, const std::vector<size_t>& runtime_inputs) {
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const GraphInput& input = graph.inputs()[i];
    if (input.value == nullptr) continue;
    const bool is_runtime_input = std::ranges::binary_search(runtime_inputs, i);
    if (is_runtime_input || !input.data.defined()) {
      add(*input.value, limits(input.value->tensor().dtype));
    } else {
      // Data beyond 32 bits stays what it is, for those who read it to see.
      unwrapped_[input.value] = ranges_[input.value] = range_of_data(input.data);
    }
  }
}

ValueRange ValueRanges::wrapped(const Value& value, const ValueRange& unwrapped) const {
  const auto dtype = value.is_tensor() ? value.tensor().dtype : at::kLong;
  // What is computed may use all of the bits; only inputs keep off the ends.
  const ValueRange bounds = dtype == at::kLong && int64_.max < 0x1p62 ? limits_of(at::kInt) : limits(dtype);
  if (unwrapped.is_within(bounds)) return unwrapped;
  const bool overlaps = unwrapped.min <= bounds.max && unwrapped.max >= bounds.min;
  return dtype == at::kLong && overlaps ? intersect(bounds, unwrapped) : bounds;
}

void ValueRanges::add(const Value& value, const ValueRange& unwrapped) {
  unwrapped_[&value] = unwrapped;
  const ValueRange range = ranges_[&value] = wrapped(value, unwrapped);
  const auto demanded = demands_.find(&value);
  if (demanded == demands_.end()) return;
  const ValueRange narrowed = intersect(range, demanded->second);
  if (narrowed.min > narrowed.max) return;
  ranges_[&value] = narrowed;
  unchecked_[&value] = range;
}

void ValueRanges::demand(const Value& value, const ValueRange& range) {
  const auto [found, is_new] = demands_.try_emplace(&value, range);
  if (!is_new) found->second = intersect(found->second, range);
}

void ValueRanges::read_demands(const Graph& graph) {
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    for (const auto& [index, range] : demands_of(*node)) demand(*index, range);
    pass_on(*node);
  }
}

/// From a result to the operand that it is made of.
void ValueRanges::pass_on(const Node& node) {
  if (node.outputs().size() != 1 || node.outputs()[0] == nullptr) return;
  const auto found = demands_.find(node.outputs()[0]);
  if (found == demands_.end()) return;
  const ValueRange wanted = found->second;
  const Call call(node);
  const std::string_view name = node.op().operator_name().name;
  if (const ElementFlow* flow = find_element_flow(node.op()); flow != nullptr && flow->has_all()) {
    for (const std::string_view from : flow->arguments) {
      for_each_value(call.argument(from), [&](const Value& operand) { demand(operand, wanted); });
    }
    return;
  }
  if (!call.declares("self") || call.is_number("self")) return;
  const Value& self = call.value("self");
  if (name == "aten::_to_copy" && self.is_tensor() && node.outputs()[0]->tensor().dtype == at::kLong) {
    return demand(self, {wanted.min - 1, wanted.max + 1});  // floats are cut off
  }
  const bool is_sum = name == "aten::add" || name == "aten::sub";
  if (!is_sum || !call.is_number("other") || call.scalar("other").isSymbolic()) return;
  if (call.declares("alpha") && (call.scalar("alpha").isSymbolic() || !call.scalar("alpha").equal(1))) return;
  const double added = call.number("other") * (name == "aten::add" ? 1 : -1);
  demand(self, {wanted.min - added, wanted.max - added});
}

std::vector<Overflow> find_overflows(const Graph& graph, const ValueRanges& ranges, const ValueRange& bounds) {
  std::vector<Overflow> overflows;
  const auto is_beyond = [&](const Value& value, const ValueRange& range) {
    return value.is_tensor() && value.tensor().dtype == at::kLong && !range.is_within(bounds);
  };
  for (const Node& node : graph.nodes()) {
    std::optional<ValueRange> beyond;
    for (const Argument& argument : node.arguments()) {
      for_each_value(argument, [&](const Value& value) {
        if (value.producer() == nullptr && is_beyond(value, ranges.of(value))) beyond = ranges.of(value);
      });
    }
    for (const Value* output : node.outputs()) {
      if (output != nullptr && is_beyond(*output, ranges.unwrapped(*output))) beyond = ranges.unwrapped(*output);
    }
    if (beyond) overflows.push_back({&node, *beyond});
  }
  return overflows;
}

}  // namespace tracejet
