#include "engines/aten/passes/layouts.h"

#include <algorithm>
#include <utility>

#include "engines/aten/passes/rewriting.h"
#include "symbolic/sym_node.h"

namespace tracejet::aten {

namespace {

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

}  // namespace

bool is_contiguous(const TensorMeta& meta) {
  return std::ranges::equal(meta.strides, contiguous_strides(meta.sizes), symbolic::is_statically_equal);
}

bool counts_places(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(), [](const Node& node) {
    return node.op().operator_name().name.find("as_strided") != std::string::npos || !node.subgraphs().empty();
  });
}

bool has_channels_last(const Graph& graph, const Weights& weights) {
  return std::ranges::any_of(graph.nodes(), [&](const Node& node) {
    const bool is_convolution = is_call_of(node, "aten::convolution") ||
                                is_call_of(node, "aten::cudnn_convolution_relu") ||
                                is_call_of(node, "aten::cudnn_convolution_add_relu");
    if (!is_convolution) return false;
    const at::Tensor weight = weights.data(&Call(node).value("weight"));
    return weight.defined() && weight.is_cuda() && weight.dim() == 4 &&
           weight.is_contiguous(at::MemoryFormat::ChannelsLast);
  });
}

std::vector<const Value*> results_from(const Graph& graph, const std::unordered_set<const Node*>& nodes) {
  const auto values = computed_from(graph, nodes);
  std::vector<const Value*> results;
  for (const GraphOutput& output : graph.outputs()) {
    if (output.value == nullptr || !output.value->is_tensor() || !values.contains(output.value)) continue;
    if (std::ranges::find(results, output.value) == results.end()) results.push_back(output.value);
  }
  return results;
}

const Value& insert_contiguous(Graph& graph, const Node& before, c10::OperatorHandle op,
                               std::vector<Argument> arguments, TensorMeta meta, const Sizes& sizes) {
  meta.sizes = sizes;
  meta.strides = contiguous_strides(sizes);
  return *graph.insert_node(before, std::move(op), std::move(arguments), {std::move(meta)}, before.where())
              .outputs()
              .front();
}

void make_contiguous(Graph& graph, const Value& value) {
  const auto after = std::ranges::find_if(graph.nodes(), [&](const Node& node) { return &node == value.producer(); });
  const auto next = std::next(after);
  std::vector<Argument> arguments{&value, static_cast<int64_t>(at::MemoryFormat::Contiguous)};
  const auto op = find_op("aten::contiguous");
  const Location where = value.producer()->where();
  TensorMeta meta = value.tensor();
  meta.strides = contiguous_strides(meta.sizes);
  const Node& added = next == graph.nodes().end() ? graph.add_node(op, std::move(arguments), {meta}, where)
                                                  : graph.insert_node(*next, op, std::move(arguments), {meta}, where);
  graph.replace_all_uses(value, *added.outputs().front());
}

}  // namespace tracejet::aten
