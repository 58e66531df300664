#include "ir/analysis/value_numbering.h"

#include <algorithm>
#include <bit>

#include <ATen/ops/reshape.h>

#include "ir/analysis/effect.h"
#include "ir/analysis/element_flow.h"
#include "ir/analysis/evaluate.h"
#include "ir/analysis/same_data.h"
#include "ir/assertion.h"

namespace tracejet {

namespace {

/// Larger constants are not computed for a comparison.
constexpr int64_t kMostElements = 1 << 20;

/// Whether an operator gives the elements of its first argument in the same order.
bool keeps_elements(const Call& call) {
  const ElementFlow* flow = find_element_flow(call.op());
  return flow != nullptr && flow->is_of_self() && flow->order == ElementFlow::Order::kKept;
}

/// Whether its results have elements of its first argument, all of them or some, in any order.
bool rearranges(const Call& call) {
  const ElementFlow* flow = find_element_flow(call.op());
  return flow != nullptr && flow->is_of_self();
}

/// A reduction over a list of axes, or over all, with keepdim=True.
bool keeps_reduced_axes(const Call& call) {
  if (!call.declares("keepdim") || !call.declares("dim") || !call.flag("keepdim")) return false;
  const auto* dim = std::get_if<c10::IValue>(&call.argument("dim"));
  return dim != nullptr && (dim->isNone() || dim->isIntList());
}

}  // namespace

bool is_data_branch(const Node& node) {
  const Call call(node);
  return call.name() == "aten::_assert_async.msg" && call.text("assert_msg") == kDataBranch;
}

Number NumbersOfValues::of_data(const at::Tensor& data, const c10::Device& device) {
  const std::string kind = device.str() + " " + at::toString(data.scalar_type()) + " " + std::to_string(data.numel());
  auto& alike = data_[kind];
  for (const auto& [other, number] : alike) {
    if (is_same_data(other, data)) return number;
  }
  const Number number = of("data " + kind + " " + std::to_string(alike.size()));
  alike.emplace_back(data, number);
  return number;
}

ValueNumbering::ValueNumbering(const Graph& graph, const symbolic::Case& sizes, NumbersOfValues& numbers,
                               Uniform uniform)
    : graph_(graph), literals_(sizes), numbers_(numbers), uniform_(std::move(uniform)) {
  for (const GraphInput& input : graph.inputs()) add_input(input);
  for (const Node& node : graph.nodes()) add(node);
}

std::vector<std::string> ValueNumbering::outputs() const {
  std::vector<std::string> lines;
  for (const GraphOutput& output : graph_.outputs()) {
    std::string line = output.value != nullptr ? "%" + std::to_string(of(*output.value)) : text(output.literal);
    if (output.kind != GraphOutput::Kind::kUser) line += " to " + graph_.inputs()[output.target].name;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::set<std::string> ValueNumbering::assertions() const {
  std::set<std::string> conditions;
  for (const Node& node : graph_.nodes()) {
    if (const auto assertion = assertion_of(node)) conditions.insert(text(assertion->condition));
  }
  conditions.erase("True");
  return conditions;
}

void ValueNumbering::add_input(const GraphInput& input) {
  if (input.value == nullptr) return;
  if (input.kind == GraphInput::Kind::kConstant) return define_data(*input.value, input.data);
  define(*input.value, numbers_.of("input " + std::to_string(static_cast<int>(input.kind)) + " " + input.name));
}

void ValueNumbering::define_data(const Value& value, const at::Tensor& data) {
  const at::Tensor here = data.is_meta() ? data : data.cpu();
  if (!here.is_meta()) data_[&value] = here;
  const Number flat = numbers_.of_data(here.reshape({-1}), value.tensor().device);
  shapes_.try_emplace(flat, "flat");
  define(value, reshaped(flat, shape(value.tensor().sizes)));
}

bool ValueNumbering::add_data(const Node& node) {
  for (const Value* value : node.outputs()) {
    if (value == nullptr || !value->is_tensor()) return false;
    const symbolic::Expression elements = product(value->tensor().sizes);
    if (!elements.is_constant() || elements.constant() > kMostElements) return false;
  }
  const auto data = [this](const Value& value) {
    const auto known = data_.find(&value);
    return known == data_.end() ? std::nullopt : std::make_optional(known->second);
  };
  const auto numbers = [this](const c10::IValue& constant) { return number(constant); };
  std::optional<std::vector<at::Tensor>> results;
  try {
    results = evaluate(node, data, numbers);
  } catch (const c10::Error&) {  // this machine has no kernel for it
  }
  if (!results || results->size() != node.outputs().size()) return false;
  for (size_t i = 0; i < results->size(); ++i) define_data(*node.outputs()[i], (*results)[i]);
  return true;
}

std::optional<c10::IValue> ValueNumbering::number(const c10::IValue& constant) const {
  const auto known = [this](const symbolic::Expression& expression) -> std::optional<c10::IValue> {
    const symbolic::Expression now = at_sizes(expression);
    if (!now.is_constant()) return std::nullopt;
    if (now.is_bool()) return c10::IValue(now.truth());
    return now.is_float() ? c10::IValue(now.real()) : c10::IValue(now.constant());
  };
  if (!is_symbolic(constant)) return constant;
  if (const auto expression = symbolic_expression(constant)) return known(*expression);
  std::vector<int64_t> numbers;
  for (const c10::IValue& element : constant.toListRef()) {
    const auto one = number(element);
    if (!one || !one->isInt()) return std::nullopt;
    numbers.push_back(one->toInt());
  }
  return c10::IValue(std::move(numbers));
}

void ValueNumbering::define(const Value& value, Number number) {
  numbers_by_value_[&value] = number;
  if (value.is_tensor()) shapes_.try_emplace(number, shape(value.tensor().sizes));
}

void ValueNumbering::add(const Node& node) {
  if (assertion_of(node) || is_data_branch(node) || add_data(node)) return;
  const Call call(node);
  const bool gives_one = node.outputs().size() == 1 && node.outputs()[0] != nullptr && node.outputs()[0]->is_tensor();
  if (gives_one) {
    if (const auto same = same_elements(call, *node.outputs()[0])) return define(*node.outputs()[0], *same);
    if (const auto chosen = chosen_elements(call, *node.outputs()[0])) return define(*node.outputs()[0], *chosen);
    if (keeps_reduced_axes(call)) return add_reduction(call, *node.outputs()[0]);
  }
  const auto truth = uniform_truth(call);
  const std::string key = this->key(node);
  for (size_t i = 0; i < node.outputs().size(); ++i) {
    const Value* value = node.outputs()[i];
    if (value == nullptr) continue;
    define(*value, numbers_.of(key + " -> " + std::to_string(i)));
    if (truth) uniform_.emplace(base_of(of(*value)), *truth);
  }
}

std::string ValueNumbering::key(const Node& node, std::string_view replaced, const c10::IValue& by) {
  std::string key = Call(node).name();
  if (has_effect(node.op())) key += " #" + std::to_string(calls_with_effect_++);
  // What is broadcast may have leading axes of size 1 or none at all.
  const bool broadcasts = node.op().hasTag(at::Tag::pointwise);
  const auto& schema = node.op().schema().arguments();
  for (size_t i = 0; i < node.arguments().size(); ++i) {
    const auto* value = std::get_if<const Value*>(&node.arguments()[i]);
    if (schema[i].name() == replaced) {
      key += " " + text(by);
    } else if (broadcasts && value != nullptr && (*value)->is_tensor()) {
      key += " %" + std::to_string(without_leading_ones(**value));
    } else {
      key += " " + text(node.arguments()[i]);
    }
  }
  // What control flow runs isn't looked into, so it is only like itself.
  for (const auto& subgraph : node.subgraphs()) key += " " + std::to_string(std::bit_cast<uintptr_t>(subgraph.get()));
  if (broadcasts) key += " : " + shape(node.outputs()[0]->tensor().sizes);
  return key;
}

void ValueNumbering::add_reduction(const Call& call, const Value& output) {
  const auto& sizes = output.tensor().sizes;
  const auto reduced = call.axes("dim", output.tensor().dim());
  Sizes left;
  for (int64_t axis = 0; axis < output.tensor().dim(); ++axis) {
    const bool is_reduced = reduced.empty() || std::ranges::find(reduced, axis) != reduced.end();
    if (!is_reduced) left.push_back(sizes[static_cast<size_t>(axis)]);
  }
  const Number base = numbers_.of(key(*output.producer(), "keepdim", false) + " -> 0");
  shapes_.try_emplace(base, shape(left));
  define(output, reshaped(base, shape(sizes)));
}

Number ValueNumbering::without_leading_ones(const Value& value) {
  const auto& sizes = value.tensor().sizes;
  const auto first = std::ranges::find_if(sizes, [this](const c10::SymInt& size) { return text(size) != "1"; });
  return reshaped(base_of(of(value)), shape(Sizes(first, sizes.end())));
}

Number ValueNumbering::reshaped(Number base, const std::string& target) {
  if (shapes_.at(base) == target) return base;
  const Number result = numbers_.of("%" + std::to_string(base) + " as " + target);
  bases_.emplace(result, base);
  return result;
}

std::optional<Number> ValueNumbering::same_elements(const Call& call, const Value& output) {
  const auto* first = call.arguments().empty() ? nullptr : std::get_if<const Value*>(call.arguments().data());
  if (first == nullptr || !(*first)->is_tensor()) return {};
  const TensorMeta& from = (*first)->tensor();
  const TensorMeta& to = output.tensor();
  if (from.dtype != to.dtype || from.device != to.device) return {};
  const bool expands_nothing = call.name() == "aten::expand" && product(from.sizes).str() == product(to.sizes).str();
  const bool copies = call.name() == "aten::_to_copy";
  const bool cuts_nothing = takes_all(call) && shape(from.sizes) == shape(to.sizes);
  const bool moves_nothing = call.name() == "aten::permute" && moves_only_ones(call, from);
  if (!keeps_elements(call) && !expands_nothing && !copies && !moves_nothing && !cuts_nothing) return {};
  return reshaped(base_of(of(**first)), shape(to.sizes));
}

std::optional<bool> ValueNumbering::uniform(const Value& value) const {
  const auto found = uniform_.find(base_of_value(value));
  return found == uniform_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<bool> ValueNumbering::uniform_truth(const Call& call) const {
  const auto* self = call.arguments().empty() ? nullptr : std::get_if<const Value*>(call.arguments().data());
  if (uniform_.empty() || self == nullptr || !(*self)->is_tensor()) return {};
  const auto truth = (*self)->tensor().dtype == at::kBool ? uniform(**self) : std::nullopt;
  if (!truth) return {};
  if (rearranges(call)) return truth;
  return call.name() == "aten::logical_not" || call.name() == "aten::bitwise_not" ? std::optional(!*truth)
                                                                                  : std::nullopt;
}

std::optional<Number> ValueNumbering::chosen_elements(const Call& call, const Value& output) {
  if (uniform_.empty()) return {};
  const bool is_where = call.name() == "aten::where.self";
  if (!is_where && call.name() != "aten::masked_fill.Scalar" && call.name() != "aten::masked_fill.Tensor") return {};
  const auto* mask = std::get_if<const Value*>(&call.argument(is_where ? "condition" : "mask"));
  const auto truth = mask == nullptr ? std::nullopt : uniform(**mask);
  if (!truth || (*truth && !is_where)) return {};
  const auto* chosen = std::get_if<const Value*>(&call.argument(*truth || !is_where ? "self" : "other"));
  if (chosen == nullptr || !(*chosen)->is_tensor()) return {};
  const TensorMeta& from = (*chosen)->tensor();
  const TensorMeta& to = output.tensor();
  if (from.dtype != to.dtype || product(from.sizes).str() != product(to.sizes).str()) return {};
  return reshaped(base_of_value(**chosen), shape(to.sizes));
}

bool ValueNumbering::takes_all(const Call& call) const {
  if (call.name() == "aten::slice.Tensor") return text(call.argument("step")) == "1";
  if (call.name() != "aten::constant_pad_nd") return false;
  return std::ranges::all_of(call.sym_ints("pad"), [this](const c10::SymInt& width) { return text(width) == "0"; });
}

Number ValueNumbering::base_of(Number number) const {
  const auto found = bases_.find(number);
  return found == bases_.end() ? number : found->second;
}

bool ValueNumbering::moves_only_ones(const Call& call, const TensorMeta& from) const {
  std::vector<int64_t> kept;
  for (const int64_t axis : call.axes("dims", from.dim())) {
    if (text(from.sizes[static_cast<size_t>(axis)]) != "1") kept.push_back(axis);
  }
  return std::ranges::is_sorted(kept);
}

symbolic::Expression ValueNumbering::product(const Sizes& sizes) const {
  symbolic::Expression elements = 1;
  for (const c10::SymInt& size : sizes) elements = elements * at_sizes(expression_of(size));
  return elements;
}

std::string ValueNumbering::text(const Argument& argument) const {
  if (const auto* value = std::get_if<const Value*>(&argument)) return "%" + std::to_string(of(**value));
  if (const auto* list = std::get_if<std::vector<const Value*>>(&argument)) {
    std::string result = "[";
    for (const Value* value : *list) result += (value == nullptr ? "None" : "%" + std::to_string(of(*value))) + ",";
    return result + "]";
  }
  return text(std::get<c10::IValue>(argument));
}

}  // namespace tracejet
