#include "ir/copy.h"

namespace tracejet {

namespace {

Argument renamed(const Argument& argument, const std::unordered_map<const Value*, const Value*>& values) {
  if (const auto* value = std::get_if<const Value*>(&argument)) return values.at(*value);
  if (const auto* list = std::get_if<std::vector<const Value*>>(&argument)) {
    std::vector<const Value*> copies;
    for (const Value* value : *list) copies.push_back(value == nullptr ? nullptr : values.at(value));
    return copies;
  }
  return argument;
}

OutputMeta meta_of(const Value* output) {
  if (output == nullptr) return std::monostate();
  if (output->is_tensor()) return output->tensor();
  return output->scalar();
}

}  // namespace

std::vector<OutputMeta> metas_of(const Node& node) {
  std::vector<OutputMeta> metas;
  auto output = node.outputs().begin();
  for (const std::optional<size_t>& length : node.returns()) {
    if (!length) {
      metas.push_back(meta_of(*output++));
      continue;
    }
    std::vector<TensorMeta> list;
    for (size_t i = 0; i < *length; ++i) list.push_back((*output++)->tensor());
    metas.emplace_back(std::move(list));
  }
  return metas;
}

namespace {

std::vector<Argument> renamed_arguments(const Node& node,
                                        const std::unordered_map<const Value*, const Value*>& values) {
  std::vector<Argument> arguments;
  for (const Argument& argument : node.arguments()) arguments.push_back(renamed(argument, values));
  return arguments;
}

std::vector<std::shared_ptr<Graph>> subgraphs_of(const Node& node) {
  return {node.subgraphs().begin(), node.subgraphs().end()};
}

}  // namespace

const Node& copy_node_at(const Node& node, Graph& into, std::unordered_map<const Value*, const Value*>& values,
                         const Node* before, const Location& where) {
  auto arguments = renamed_arguments(node, values);
  const Node& copy =
      before == nullptr
          ? into.add_node(node.op(), std::move(arguments), metas_of(node), where, subgraphs_of(node))
          : into.insert_node(*before, node.op(), std::move(arguments), metas_of(node), where, subgraphs_of(node));
  for (size_t i = 0; i < node.outputs().size(); ++i) {
    if (node.outputs()[i] != nullptr) values.emplace(node.outputs()[i], copy.outputs()[i]);
  }
  return copy;
}

const Node& copy_node(const Node& node, Graph& into, std::unordered_map<const Value*, const Value*>& values) {
  return copy_node_at(node, into, values, nullptr, node.where());
}

GraphCopy copy_with_weights(const Graph& graph, std::span<const at::Tensor> data) {
  GraphCopy copy{graph.make_subgraph(), {}};
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const GraphInput& input = graph.inputs()[i];
    const bool is_weight = i < data.size() && data[i].defined();
    const auto meta = input.value == nullptr ? std::nullopt : std::optional(input.value->tensor());
    const Value* value = copy.graph->add_input(is_weight ? GraphInput::Kind::kConstant : input.kind, meta, input.name,
                                               is_weight ? data[i] : input.data, input.persistent);
    if (value != nullptr) copy.values.emplace(input.value, value);
  }
  for (const Node& node : graph.nodes()) copy_node(node, *copy.graph, copy.values);
  for (GraphOutput output : graph.outputs()) {
    if (output.value != nullptr) output.value = copy.values.at(output.value);
    copy.graph->add_output(std::move(output));
  }
  return copy;
}

GraphCopy copy_with_outputs(const Graph& graph, std::span<const Value* const> more) {
  GraphCopy copy = copy_with_weights(graph, {});
  for (const Value* value : more) {
    copy.graph->add_output({GraphOutput::Kind::kUser, copy.values.at(value), {}, 0});
  }
  return copy;
}

}  // namespace tracejet
