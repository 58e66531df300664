// ONNX: Identity-19, Reshape-19, ReduceSum-13.
#include "lowering/onnx/lowering.h"

#include <algorithm>
#include <stdexcept>

#include <ATen/ops/empty.h>

#include "base/error.h"
#include "ir/analysis/value_range_rules.h"
#include "ir/model_line.h"
#include "ir/schema.h"
#include "ir/size_expression.h"
#include "ir/unbacked.h"
#include "lowering/onnx/conversion.h"
#include "symbolic/sym_node.h"

namespace tracejet::onnx {

namespace {

// Weights up to this size are written into the model: engines look at constants to choose kernels and fold shapes,
// and copying them costs nothing.
constexpr size_t kInlineBytes = 256;

// Up to here, float32 holds every integer.
constexpr double kExactFloat = 1 << 24;
constexpr double kHeadroom = 1 << 16;

/// Thrown by Lowering::fail and caught by Lowering::run.
struct ConversionFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Asserts that a tensor is true.
bool asserts_data(const Node& node) {
  const auto& name = node.op().operator_name().name;
  return name == "aten::_assert_async" || name == "aten::_functional_assert_async";
}

/// Whether no result has an element, at any size: then there is nothing to compute.
bool gives_nothing(const Node& node) {
  return !node.outputs().empty() && std::ranges::all_of(node.outputs(), [](const Value* output) {
    if (output == nullptr || !output->is_tensor()) return false;
    const Sizes& sizes = output->tensor().sizes;
    const bool is_static = std::ranges::all_of(sizes, [](const auto& size) { return size.maybe_as_int().has_value(); });
    return is_static && symbolic::is_known_empty(sizes);
  });
}

/// Whether it asserts what the trace knows already.
bool is_known_to_trace(const Node& node) { return node.op().operator_name().name == "aten::_assert_tensor_metadata"; }

}  // namespace

Lowering::Lowering(const Graph& graph, const std::vector<size_t>& runtime_inputs, const Target& target)
    : graph_(graph), target_(target) {
  for (const Node& node : graph.nodes()) {
    for (const Argument& argument : node.arguments()) {
      for_each_value(argument, [&](const Value& value) { used_.insert(&value); });
    }
  }
  for (const GraphOutput& output : graph.outputs()) {
    if (output.value != nullptr) used_.insert(output.value);
  }
  find_ranges(runtime_inputs);
  declare_inputs(runtime_inputs);
}

void Lowering::find_ranges(const std::vector<size_t>& runtime_inputs) {
  const auto limits = limits_of(target_.int64 ? at::kLong : at::kInt);
  ranges_.emplace(graph_, runtime_inputs, limits);
  if (target_.int64) return;
  auto overflows = find_overflows(graph_, *ranges_);
  // Inputs a little smaller than all that 32 bits hold can be negated, and counters have room for their next step.
  for (const auto& [below, above] : {std::pair(1.0, 0.0), std::pair(kHeadroom, kHeadroom)}) {
    if (overflows.empty()) break;
    ValueRanges smaller(graph_, runtime_inputs, {limits.min + below, limits.max - above});
    auto fewer = find_overflows(graph_, smaller, limits);
    if (fewer.size() < overflows.size()) {
      overflows = std::move(fewer);
      ranges_ = std::move(smaller);
    }
  }
  for (const auto& [node, range] : overflows) overflows_.emplace(node, range);
  model_.int64_min = static_cast<int64_t>(ranges_->int64().min);
  model_.int64_max = static_cast<int64_t>(ranges_->int64().max);
}

void Lowering::declare_inputs(const std::vector<size_t>& runtime_inputs) {
  for (size_t i = 0; i < graph_.inputs().size(); ++i) {
    const GraphInput& input = graph_.inputs()[i];
    if (input.value == nullptr) continue;
    const bool is_runtime_input = std::ranges::find(runtime_inputs, i) != runtime_inputs.end();
    // One of a dtype that ONNX lacks is named where a call reads it.
    if (!is_runtime_input && input.data.nbytes() <= kInlineBytes && element_type(input.data.scalar_type())) {
      const at::Tensor data = input.data.is_cuda() ? input.data.cpu() : input.data;
      known_.emplace(input.value, data);
      constant_.insert(input.value);
      const bool is_empty = data.dim() > 0 && data.numel() == 0;
      operands_.emplace(input.value, is_empty ? nothing(data.sym_sizes(), data.scalar_type()) : constant(data));
      continue;
    }
    if (!is_runtime_input) constant_.insert(input.value);
    const std::string name = target_.keeps_names ? input.name : "input" + std::to_string(i);
    const Operand operand{unique(name), input.value->tensor().dtype};
    operands_.emplace(input.value, operand);
    if (is_runtime_input) {
      model_.inputs.push_back(describe(operand, input.value->tensor()));
      note_symbols(*input.value);
    } else {
      known_.emplace(input.value, input.data);
      model_.weights.push_back({operand.name, input.data});
    }
  }
}

void Lowering::run() {
  for (const Node& node : graph_.nodes()) {
    try {
      convert(node);
      forbid_negative_sizes(node);
    } catch (const ConversionFailed& failure) {
      unsupported_.push_back({&node, failure.what()});
      // Placeholders, so that the rest is looked at too and one error can list everything.
      for (const Value* output : node.outputs()) {
        if (output == nullptr || operands_.contains(output)) continue;
        const auto dtype = output->is_tensor() ? output->tensor().dtype : at::kLong;
        operands_.emplace(output, Operand{unique("unsupported"), dtype});
        note_symbols(*output);
      }
    }
  }
  if (unsupported_.empty()) declare_outputs();
}

void Lowering::convert(const Node& node) {
  node_ = &node;
  label_ = full_name(node.op());
  next_result_ = 0;
  if (is_known_to_trace(node)) return;
  if (asserts_data(node)) return convert_assertion(Call(node));
  if (const auto assertion = assertion_of(node)) return convert_assertion(*assertion);
  const Conversion* conversion = find_conversion(node.op().operator_name());
  if (conversion == nullptr) fail("has no conversion");
  check_dtypes(node);
  if (gives_nothing(node)) {
    for (const Value* output : node.outputs()) result(nothing(output->tensor().sizes, output->tensor().dtype));
    return note_constants(node);
  }
  if (const auto beyond = overflows_.find(&node); beyond != overflows_.end()) {
    const ValueRange& range = beyond->second;
    const std::string bits = "and " + target_.name + " computes int64 in 32 bits";
    const ValueRange bounds = limits_of(at::kInt);
    const bool is_certain = range.is_reached || range.min > bounds.max || range.max < bounds.min;
    if (is_certain) fail("has no conversion that is exact: its values go from " + in_words(range) + ", " + bits);
    warn("may have values from " + in_words(range) + ", " + bits + ": it is right from " + in_words(bounds));
  }
  try {
    conversion->convert(*this, Call(node), conversion->target);
  } catch (const Error& error) {
    fail(error.message());
  }
  if (next_result_ != node.outputs().size()) fail("its conversion gives fewer results than it has");
  note_constants(node);
}

void Lowering::note_constants(const Node& node) {
  bool takes_any = false;
  bool all_constant = true;
  for (const Argument& argument : node.arguments()) {
    for_each_value(argument, [&](const Value& value) {
      takes_any = true;
      all_constant = all_constant && is_constant(value);
    });
  }
  if (takes_any && all_constant) constant_.insert(node.outputs().begin(), node.outputs().end());
}

/// What is asserted of the inputs' sizes is checked before an engine runs.
void Lowering::convert_assertion(const RuntimeAssertion& assertion) {
  if (!target_.checks || !symbolic::is_data_dependent(assertion.condition)) return;
  add_check(compute(assertion.condition), assertion.message);
}

void Lowering::convert_assertion(const Call& call) {
  if (!target_.checks) return;
  const Operand truth = cast(operand(call, "self"), at::kBool);
  const bool has_message = call.declares("assert_msg");
  add_check(reshape(truth, call.tensor("self").sizes, {1}),
            has_message ? std::string(call.text("assert_msg")) : "a tensor that the model asserts to be true is false");
}

std::string Lowering::refusal(const std::string& problem) const {
  if (node_ == nullptr) return "[output] " + problem;  // a number that is only given back
  const std::string where = tracejet::describe(node_->where(), graph_);
  return "[" + Call(*node_).name() + "] " + problem + (where.empty() ? "" : "\n" + where);
}

void Lowering::require(const symbolic::Expression& condition, const std::string& problem) {
  if (condition.range().min == 1) return;
  std::string message = refusal(problem);
  if (!symbolic::is_data_dependent(condition)) {
    model_.requirements.push_back({condition, std::move(message)});
  } else if (target_.checks) {
    add_check(compute(condition), std::move(message));
  }
}

void Lowering::forbid(const Operand& wrong, const std::string& problem) {
  if (!target_.checks) return;
  const Operand flat = emit("Reshape", {cast(wrong, at::kInt), integers({-1})});
  const Operand count = emit("ReduceSum", {flat, integers({0})}, {{"keepdims", int64_t{1}}});
  add_check(emit_as(at::kBool, "Equal", {count, number(0, at::kInt)}), refusal(problem));
}

Operand Lowering::index(const Value& index, const c10::SymInt& size, bool from_end) {
  const Operand at = cast(operand(index), at::kLong);
  if (!target_.checks) return at;
  const ValueRange known = ranges_->unchecked(index);
  const double least = range_of_size(size).min;
  if (known.min >= (from_end ? -least : 0) && known.max < least) return at;
  const Operand end = number(size, at::kLong);
  const Operand is_before = emit_as(at::kBool, "Less", {at, from_end ? emit("Neg", {end}) : integer(0)});
  const Operand is_behind = emit_as(at::kBool, "GreaterOrEqual", {at, end});
  const Operand is_outside = emit_as(at::kBool, "Or", {is_before, is_behind});
  forbid(is_outside, "an index is out of range: the axis has " + expression_of(size).str() + " elements");
  return emit_as(at::kLong, "Where", {is_outside, integer(0), at});
}

void Lowering::add_check(const Operand& truth, std::string message) {
  checks_.push_back({emit("Identity", {truth}).name, at::kBool, {int64_t{1}}});
  model_.checks.push_back(std::move(message));
}

void Lowering::check_dtypes(const Node& node) const {
  const auto check = [&](const Value& value) {
    if (!value.is_tensor()) return;
    const auto dtype = value.tensor().dtype;
    if (!element_type(dtype))
      fail(std::string("computes in ") + c10::toString(dtype) + ", a data type that ONNX lacks");
    if (at::isComplexType(dtype)) fail("computes in complex numbers");
    if (dtype == at::kDouble && !target_.float64)
      fail("computes in float64, which " + target_.name + " would do in float32");
  };
  for (const Argument& argument : node.arguments()) for_each_value(argument, check);
  for (const Value* output : node.outputs()) {
    if (output != nullptr) check(*output);
  }
}

Model Lowering::finish() && {
  keep_slices();
  std::unordered_set<std::string> needed;
  for (const auto& output : model_.outputs) needed.insert(output.name);
  std::vector<OnnxNode> kept;
  for (auto node = model_.nodes.rbegin(); node != model_.nodes.rend(); ++node) {
    if (std::ranges::none_of(node->outputs, [&](const auto& output) { return needed.contains(output); })) continue;
    needed.insert(node->inputs.begin(), node->inputs.end());
    kept.push_back(std::move(*node));
  }
  std::ranges::reverse(kept);
  model_.nodes = std::move(kept);
  const auto unneeded = [&](const NamedTensor& tensor) { return !needed.contains(tensor.name); };
  for (auto& input : model_.inputs) input.is_used = needed.contains(input.name);
  std::erase_if(model_.numbers, [&](const NumberInput& number) { return !needed.contains(number.name); });
  std::erase_if(model_.weights, unneeded);
  std::erase_if(model_.constants, unneeded);
  return std::move(model_);
}

void Lowering::declare_outputs() {
  node_ = nullptr;
  label_ = "output";
  for (const GraphOutput& output : graph_.outputs()) {
    if (output.value == nullptr) {
      if (!depends_on_data(output.literal)) continue;
      const Operand number = emit("Identity", {compute(expression_of(output.literal.toScalar()))});
      model_.outputs.push_back({number.name, number.dtype, {int64_t{1}}});
      continue;
    }
    // An Identity of its own: one value may be several outputs, or an input as it came.
    const Operand named = emit("Identity", {operand(*output.value)});
    if (output.value->is_tensor()) {
      model_.outputs.push_back(describe(named, output.value->tensor()));
    } else {
      model_.outputs.push_back({named.name, named.dtype, {}});
    }
  }
  model_.outputs.insert(model_.outputs.end(), checks_.begin(), checks_.end());
}

std::string Lowering::name_of_axis(const symbolic::Expression& size) {
  if (target_.keeps_names) return size.str();
  return axis_names_.try_emplace(size, "axis" + std::to_string(axis_names_.size())).first->second;
}

TensorInfo Lowering::describe(const Operand& operand, const TensorMeta& meta) {
  TensorInfo info{operand.name, operand.dtype, {}};
  for (const c10::SymInt& size : meta.sizes) {
    if (const auto known = size.maybe_as_int()) {
      info.shape.emplace_back(*known);
    } else {
      info.shape.emplace_back(name_of_axis(expression_of(size)));
    }
  }
  return info;
}

std::string Lowering::unique(std::string name) {
  if (names_.insert(name).second) return name;
  for (int suffix = 1;; ++suffix) {
    auto candidate = name + "_" + std::to_string(suffix);
    if (names_.insert(candidate).second) return candidate;
  }
}

ValueRange Lowering::range(const Call& call, std::string_view name) const {
  if (const auto* value = std::get_if<const Value*>(&call.argument(name))) return ranges_->of(**value);
  return range_of_number(call.scalar(name));
}

const ValueRange& Lowering::unwrapped() const { return ranges_->unwrapped(*node_->outputs()[0]); }

bool Lowering::is_exact(const ValueRange& range) const {
  return target_.exact_integers || range.magnitude() <= kExactFloat;
}

void Lowering::needs_exact_float() {
  const ValueRange& range = unwrapped();
  if (is_exact(range)) return;
  const std::string bits = "and " + target_.name + " computes it in float32";
  if (range.is_reached) fail("has no conversion that is exact: its values go from " + in_words(range) + ", " + bits);
  warn("may have values from " + in_words(range) + ", " + bits + ": it is right from -16777216 to 16777216");
}

void Lowering::warn(std::string problem) { model_.warnings.push_back({node_, std::move(problem)}); }

std::span<const Node* const> Lowering::users() const { return node_->outputs()[0]->users(); }

void Lowering::fail(std::string_view reason) const { throw ConversionFailed(std::string(reason)); }

}  // namespace tracejet::onnx
