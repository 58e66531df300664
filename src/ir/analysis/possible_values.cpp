#include "ir/analysis/possible_values.h"

#include <algorithm>
#include <array>

#include <ATen/ops/_unique2.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>

#include "ir/analysis/element_flow.h"
#include "ir/analysis/operands_first.h"
#include "ir/call.h"
#include "ir/symbolic_constant.h"

namespace tracejet {

namespace {

constexpr int64_t kMostRead = 1 << 16;   // elements of a constant
constexpr int64_t kMostNumbers = 256;    // of one value
constexpr int64_t kMostCombined = 4096;  // of all operands of a call together

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

/// The arguments of which its results have elements, and no others.
std::span<const std::string_view> arguments_given_on(const Node& node) {
  const ElementFlow* flow = find_element_flow(node.op());
  return flow == nullptr ? std::span<const std::string_view>() : flow->arguments;
}

/// Computes each element from those in its place alone, and rounds once.
bool is_pointwise(const Node& node) {
  static constexpr std::array<std::string_view, 30> kNames{
      "aten::eq",          "aten::ne",          "aten::lt",          "aten::le",          "aten::gt",
      "aten::ge",          "aten::logical_not", "aten::logical_or",  "aten::logical_and", "aten::logical_xor",
      "aten::bitwise_not", "aten::bitwise_or",  "aten::bitwise_and", "aten::bitwise_xor", "aten::neg",
      "aten::abs",         "aten::sign",        "aten::clamp",       "aten::maximum",     "aten::minimum",
      "aten::_to_copy",    "aten::isnan",       "aten::isinf",       "aten::relu",        "aten::floor",
      "aten::ceil",        "aten::round",       "aten::trunc",       "aten::mul",         "aten::rsub"};
  const std::string& name = node.op().operator_name().name;
  const bool is_sum = name == "aten::add" || name == "aten::sub";
  if (!is_sum && !is_one_of(name, kNames)) return false;
  const Call call(node);
  if (call.declares("decimals")) return false;
  // x + alpha * y rounds once or twice.
  return !call.declares("alpha") || (!call.scalar("alpha").isSymbolic() && call.scalar("alpha").equal(1));
}

bool chooses(std::string_view name) {
  return name == "aten::where" || name == "aten::masked_fill" || name == "aten::index_put";
}

bool is_common(at::ScalarType dtype) {
  return dtype == at::kFloat || dtype == at::kDouble || dtype == at::kHalf || dtype == at::kBFloat16 ||
         (at::isIntegralType(dtype, /*includeBool=*/true) && !at::isBarebonesUnsignedType(dtype));
}

std::optional<at::Tensor> distinct(const at::Tensor& elements) {
  if (elements.numel() == 0 || elements.numel() > kMostRead || !is_common(elements.scalar_type())) return {};
  at::Tensor numbers = std::get<0>(at::_unique2(elements.flatten()));
  return numbers.numel() <= kMostNumbers ? std::optional(std::move(numbers)) : std::nullopt;
}

bool certainly_has_elements(const TensorMeta& meta) {
  return std::ranges::all_of(meta.sizes, [](const c10::SymInt& size) { return expression_of(size).range().min > 0; });
}

/// The values from whose elements those of a call's result follow.
std::vector<const Value*> operands_of(const Node& node) {
  const std::string& name = node.op().operator_name().name;
  const bool needs_all = is_pointwise(node) || chooses(name);
  const auto given_on = arguments_given_on(node);
  const bool is_truth = name == "aten::any" || name == "aten::all";
  std::vector<const Value*> operands;
  for (size_t i = 0; i < node.arguments().size(); ++i) {
    const std::string& argument = node.op().schema().arguments()[i].name();
    if (!needs_all && !is_one_of(argument, given_on) && !(is_truth && argument == "self")) continue;
    for_each_value(node.arguments()[i], [&](const Value& value) { operands.push_back(&value); });
  }
  return operands;
}

bool is_only(const at::Tensor& numbers, bool truth) { return numbers.numel() == 1 && numbers.item().toBool() == truth; }

}  // namespace

std::optional<at::Tensor> PossibleValues::of(const Value& value) {
  compute_operands_first(
      value, [&](const Value& known) { return known_.contains(&known); },
      [](const Value& next) {
        return std::optional(next.producer() == nullptr ? std::vector<const Value*>() : operands_of(*next.producer()));
      },
      [&](const Value& next) {
        known_.emplace(&next, compute(next));
        return true;
      },
      [](const Value&) {});
  return known_.at(&value);
}

PossibleValues::Numbers PossibleValues::compute(const Value& value) {
  if (!value.is_tensor()) return {};
  if (value.producer() != nullptr) {
    if (Numbers numbers = from_node(*value.producer(), value)) return numbers;
  }
  const auto data = constants_(value);
  return data ? distinct(*data) : std::nullopt;
}

PossibleValues::Numbers PossibleValues::from_node(const Node& node, const Value& output) {
  const std::string& name = node.op().operator_name().name;
  const at::ScalarType dtype = output.tensor().dtype;
  if (name == "aten::any" || name == "aten::all") return truth(node, name == "aten::any");
  if (chooses(name)) return chosen(node, dtype);
  if (is_pointwise(node)) return pointwise(node, dtype);
  return united(node, dtype);
}

PossibleValues::Numbers PossibleValues::of_argument(const Argument& argument, at::ScalarType dtype) const {
  if (const auto* constant = std::get_if<c10::IValue>(&argument)) {
    if (!constant->isScalar() || constant->toScalar().isSymbolic()) return {};
    return at::full({1}, constant->toScalar(), dtype);
  }
  std::vector<at::Tensor> all;
  bool is_known = true;
  for_each_value(argument, [&](const Value& value) {
    const Numbers& numbers = known_.at(&value);
    is_known = is_known && numbers.has_value();
    if (is_known) all.push_back(numbers->to(dtype));
  });
  return is_known && !all.empty() ? distinct(at::cat(all)) : std::nullopt;
}

PossibleValues::Numbers PossibleValues::united(const Node& node, at::ScalarType dtype) const {
  const Call call(node);
  std::vector<at::Tensor> all;
  for (const std::string_view name : arguments_given_on(node)) {
    const Numbers numbers = of_argument(call.argument(name), dtype);
    if (!numbers) return {};
    all.push_back(*numbers);
  }
  return all.empty() ? std::nullopt : distinct(at::cat(all));
}

/// Every number of one operand meets every one of the others.
PossibleValues::Numbers PossibleValues::pointwise(const Node& node, at::ScalarType dtype) const {
  std::unordered_map<const Value*, int64_t> axes;
  int64_t combined = 1;
  for (const Value* operand : operands_of(node)) {
    const Numbers& numbers = known_.at(operand);
    // A 0-dim tensor takes part in type promotion in a way of its own.
    if (!numbers || (operand->tensor().dim() == 0 && numbers->numel() > 1)) return {};
    if (axes.try_emplace(operand, static_cast<int64_t>(axes.size())).second) combined *= numbers->numel();
    if (combined > kMostCombined) return {};
  }
  const auto rank = static_cast<int64_t>(axes.size());
  const KnownData data = [&](const Value& operand) -> std::optional<at::Tensor> {
    const at::Tensor& numbers = *known_.at(&operand);
    if (operand.tensor().dim() == 0) return numbers.squeeze();
    std::vector<int64_t> sizes(static_cast<size_t>(rank), 1);
    sizes[static_cast<size_t>(axes.at(&operand))] = numbers.numel();
    return numbers.view(sizes);
  };
  const KnownNumbers plain = [](const c10::IValue& constant) -> std::optional<c10::IValue> {
    return is_symbolic(constant) ? std::nullopt : std::optional(constant);
  };
  const auto results = evaluate(node, data, plain);
  if (!results || results->size() != 1 || results->front().scalar_type() != dtype) return {};
  return distinct(results->front());
}

/// where, masked_fill, index_put by a mask: either of two, or one of them where the mask is known.
PossibleValues::Numbers PossibleValues::chosen(const Node& node, at::ScalarType dtype) const {
  const Call call(node);
  const std::string& name = node.op().operator_name().name;
  const bool is_where = name == "aten::where";
  const Argument* mask = is_where ? &call.argument("condition") : nullptr;
  if (name == "aten::masked_fill") mask = &call.argument("mask");
  Argument only_index;
  if (name == "aten::index_put") {
    if (call.flag("accumulate")) return {};
    const auto indices = call.values("indices");
    const bool is_mask = indices.size() == 1 && indices[0] != nullptr && indices[0]->tensor().dtype == at::kBool;
    if (is_mask) mask = &(only_index = indices[0]);
  }
  const std::string_view replaced = is_where ? "other" : "self";
  const std::string_view replacing = is_where ? "self" : call.declares("values") ? "values" : "value";
  const Numbers truths = mask == nullptr ? std::nullopt : of_argument(*mask, at::kBool);
  if (truths && is_only(*truths, false)) return of_argument(call.argument(replaced), dtype);
  if (truths && is_only(*truths, true)) return of_argument(call.argument(replacing), dtype);
  const Numbers first = of_argument(call.argument(replaced), dtype);
  const Numbers second = of_argument(call.argument(replacing), dtype);
  return first && second ? distinct(at::cat({*first, *second})) : std::nullopt;
}

/// any or all.
PossibleValues::Numbers PossibleValues::truth(const Node& node, bool any) const {
  const Call call(node);
  const Numbers numbers = of_argument(call.argument("self"), call.tensor("self").dtype);
  if (!numbers) return {};
  const at::Tensor truths = std::get<0>(at::_unique2(numbers->to(at::kBool)));
  if (truths.numel() == 2) return truths;
  // Of nothing, any() is false, and all() is true.
  const bool is_neutral = is_only(truths, !any);
  if (is_neutral || certainly_has_elements(call.tensor("self"))) return truths;
  return at::arange(2).to(at::kBool);
}

}  // namespace tracejet
