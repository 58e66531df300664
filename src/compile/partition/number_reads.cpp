#include "compile/partition/number_reads.h"

#include <algorithm>

#include "engines/reference.h"
#include "engines/registry.h"
#include "ir/copy.h"
#include "ir/symbol_binding.h"

namespace tracejet {

namespace {

/// The numbers that outputs are or depend on.
std::unordered_set<const Value*> numbers_needed(const Graph& graph) {
  std::unordered_set<uint64_t> symbols;
  std::unordered_set<const Value*> needed;
  for (const GraphOutput& output : graph.outputs()) {
    if (output.value != nullptr) {
      if (!output.value->is_tensor()) needed.insert(output.value);
      continue;
    }
    for_each_expression(output.literal, [&](const symbolic::Expression& expression) {
      for (const symbolic::Symbol& symbol : symbolic::symbols_of(expression)) symbols.insert(symbol.id);
    });
  }
  for (const Node& node : graph.nodes()) {
    for (const Value* output : node.outputs()) {
      if (output == nullptr || output->is_tensor()) continue;
      for_each_bound_symbol(*output, [&](const SymbolBinding& bound) {
        if (symbols.contains(bound.symbol.id)) needed.insert(output);
      });
    }
  }
  return needed;
}

}  // namespace

std::optional<Part> number_reads_for_outputs(const Graph& graph, const std::unordered_set<const Value*>& given) {
  auto needed = numbers_needed(graph);
  const auto is_missing = [&](const Value* value) { return needed.contains(value) && !given.contains(value); };
  Part part{find_compiling_engine(reference_engine().name()), {}, nullptr, {}, {}};
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    if (std::ranges::none_of(node->outputs(), is_missing)) continue;
    part.nodes.insert(part.nodes.begin(), &*node);
    for (const Argument& argument : node->arguments()) {
      for_each_value(argument, [&](const Value& value) {
        if (!value.is_tensor()) needed.insert(&value);  // a number that is computed from others
      });
    }
  }
  if (part.nodes.empty()) return std::nullopt;
  const auto own = graph.make_subgraph();
  std::unordered_map<const Value*, const Value*> values;
  for (const Node* node : part.nodes) {
    for (const Argument& argument : node->arguments()) {
      for_each_value(argument, [&](const Value& value) {
        if (!value.is_tensor() || values.contains(&value)) return;
        const std::string name = "value_" + std::to_string(value.id());
        values.emplace(&value, own->add_input(GraphInput::Kind::kUser, value.tensor(), name));
        part.inputs.push_back(&value);
      });
    }
  }
  for (const Node* node : part.nodes) {
    copy_node(*node, *own, values);
    for (const Value* output : node->outputs()) {
      own->add_output({GraphOutput::Kind::kUser, values.at(output), {}, 0});
      part.outputs.push_back(output);
    }
  }
  part.graph = own;
  return part;
}

}  // namespace tracejet
