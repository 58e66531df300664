#include "ir/passes/dead_nodes.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "ir/analysis/call_conditions.h"
#include "ir/analysis/effect.h"
#include "ir/analysis/subgraph_symbols.h"
#include "ir/assertion.h"
#include "ir/symbolic_constant.h"

namespace tracejet {

namespace {

/// The node that each data-dependent number comes from.
std::unordered_map<uint64_t, const Node*> sources_of_symbols(const Nodes& nodes) {
  std::unordered_map<uint64_t, const Node*> sources;
  for (const Node& node : nodes) {
    for (const uint64_t symbol : unbacked_symbols_from(node)) sources.emplace(symbol, &node);
  }
  return sources;
}

/// Removing it would change what the program does, not only what it computes.
bool has_to_stay(const Node& node) {
  const auto runs_effect = [](const std::shared_ptr<Graph>& subgraph) {
    return std::ranges::any_of(subgraph->nodes(), has_to_stay);
  };
  return node.outputs().empty() || node.op().schema().is_mutable() || has_effect(node.op()) ||
         std::ranges::any_of(node.subgraphs(), runs_effect);
}

/// A number has no users: symbols stand for it.
bool gives_number(const Node& node) {
  return std::ranges::any_of(node.outputs(),
                             [](const Value* value) { return value != nullptr && !value->is_tensor(); });
}

}  // namespace

void eliminate_dead_nodes(Graph& graph) {
  const auto sources = sources_of_symbols(graph.nodes());
  std::unordered_set<const Node*> needed_for_symbols;
  const auto need = [&](const symbolic::Symbol& symbol) {
    if (const auto source = sources.find(symbol.id); source != sources.end()) needed_for_symbols.insert(source->second);
  };
  std::unordered_set<const Value*> given;
  for (const GraphOutput& output : graph.outputs()) {
    if (output.value != nullptr) {
      given.insert(output.value);
    } else {
      for_each_expression(output.literal, [&](const symbolic::Expression& expression) {
        std::ranges::for_each(symbolic::symbols_of(expression), need);
      });
    }
  }
  const auto is_read = [&](const Value* value) {
    return value != nullptr && (!value->users().empty() || given.contains(value));
  };
  for (auto next = graph.nodes().end(); next != graph.nodes().begin();) {
    const Node& node = *--next;
    const bool is_needed =
        std::ranges::any_of(node.outputs(), is_read) || gives_number(node) || needed_for_symbols.contains(&node);
    if (!is_needed && !has_to_stay(node) && !may_be_refused(graph, node)) {
      ++next;
      graph.erase(node);
      continue;
    }
    if (!sources.empty()) std::ranges::for_each(symbols_read_by(node), need);
  }
}

}  // namespace tracejet
