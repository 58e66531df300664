#include "engines/aten/passes/channels_last.h"

#include <algorithm>
#include <unordered_set>

#include <ATen/core/grad_mode.h>

#include "engines/aten/passes/rewriting.h"
#include "engines/aten/passes/weights.h"
#include "symbolic/sym_node.h"

namespace tracejet::aten {

namespace {

bool is_half(at::ScalarType dtype) { return dtype == at::kHalf || dtype == at::kBFloat16; }

bool gains(const Call& convolution, const at::Tensor& weight) {
  return weight.defined() && weight.is_cuda() && weight.dim() == 4 && is_half(weight.scalar_type()) &&
         !convolution.flag("transposed") && convolution.integer("groups") == 1;
}

/// All that is computed from the results of some nodes.
std::unordered_set<const Value*> computed_from(const Graph& graph, const std::unordered_set<const Node*>& nodes) {
  std::unordered_set<const Value*> values;
  for (const Node& node : graph.nodes()) {
    bool is_computed = nodes.contains(&node);
    for (const Argument& argument : node.arguments()) {
      for_each_value(argument, [&](const Value& value) { is_computed = is_computed || values.contains(&value); });
    }
    if (is_computed) values.insert(node.outputs().begin(), node.outputs().end());
  }
  return values;
}

bool is_contiguous(const TensorMeta& meta) {
  return std::ranges::equal(meta.strides, contiguous_strides(meta.sizes), symbolic::is_statically_equal);
}

/// Group norm has no kernel for channels that come last: what goes into it is copied, and what comes out of it, too.
/// That pays for itself while tensors are small.
bool pays_for_group_norms(const Graph& graph) {
  constexpr int64_t kMostElements = int64_t{4} << 20;
  return std::ranges::none_of(graph.nodes(), [](const Node& node) {
    if (!is_call_of(node, "aten::native_group_norm")) return false;
    const auto elements = node.outputs().front()->tensor().numel().maybe_as_int();
    return !elements || *elements > kMostElements;
  });
}

/// Whether elements are taken by their place in memory, which changes.
bool counts_places(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(), [](const Node& node) {
    return node.op().operator_name().name.find("as_strided") != std::string::npos || !node.subgraphs().empty();
  });
}

/// A value that lies as it was traced, for all who read it.
void make_contiguous(Graph& graph, const Value& value) {
  const auto after = std::ranges::find_if(graph.nodes(), [&](const Node& node) { return &node == value.producer(); });
  const auto next = std::next(after);
  std::vector<Argument> arguments{&value, static_cast<int64_t>(at::MemoryFormat::Contiguous)};
  const auto op = find_op("aten::contiguous");
  const Location where = value.producer()->where();
  const Node& added = next == graph.nodes().end()
                          ? graph.add_node(op, std::move(arguments), {value.tensor()}, where)
                          : graph.insert_node(*next, op, std::move(arguments), {value.tensor()}, where);
  graph.replace_all_uses(value, *added.outputs().front());
}

/// The results of a program that are computed from these nodes, each once.
std::vector<const Value*> results_from(const Graph& graph, const std::unordered_set<const Node*>& nodes) {
  const auto values = computed_from(graph, nodes);
  std::vector<const Value*> results;
  for (const GraphOutput& output : graph.outputs()) {
    if (output.value == nullptr || !output.value->is_tensor() || !values.contains(output.value)) continue;
    if (std::ranges::find(results, output.value) == results.end()) results.push_back(output.value);
  }
  return results;
}

}  // namespace

void use_channels_last(Graph& graph) {
  Weights weights(graph);
  std::vector<const Node*> gaining;
  for (const Node& node : graph.nodes()) {
    if (!is_call_of(node, "aten::convolution")) continue;
    const Call call(node);
    if (gains(call, weights.data(&call.value("weight")))) gaining.push_back(&node);
  }
  if (gaining.empty() || counts_places(graph) || !pays_for_group_norms(graph)) return;
  const auto lies_as_usual = [](const Value* result) { return is_contiguous(result->tensor()); };
  if (!std::ranges::all_of(results_from(graph, {gaining.begin(), gaining.end()}), lies_as_usual)) return;

  const at::NoGradGuard no_grad;
  std::unordered_set<const Node*> changed;
  for (const Node* node : gaining) {
    const Value& weight = Call(*node).value("weight");
    std::vector<Argument> arguments(node->arguments().begin(), node->arguments().end());
    arguments[1] = &weights.add(weights.data(&weight).contiguous(at::MemoryFormat::ChannelsLast),
                                "channels_last_" + std::to_string(weight.id()));
    changed.insert(replace_node(graph, *node, node->op(), std::move(arguments)).producer());
  }
  for (const Value* result : results_from(graph, changed)) make_contiguous(graph, *result);
}

}  // namespace tracejet::aten
