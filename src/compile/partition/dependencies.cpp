#include "compile/partition/dependencies.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "ir/analysis/effect.h"
#include "ir/analysis/subgraph_symbols.h"
#include "ir/assertion.h"
#include "ir/clone_range.h"
#include "ir/symbol_binding.h"

namespace tracejet {

namespace {

/// Which value tells each symbol first.
std::unordered_map<uint64_t, const Value*> sources_of_symbols(const Graph& graph) {
  std::unordered_map<uint64_t, const Value*> sources;
  const auto note = [&](const Value* value) {
    if (value == nullptr) return;
    for_each_bound_symbol(*value, [&](const SymbolBinding& bound) { sources.try_emplace(bound.symbol.id, value); });
  };
  for (const GraphInput& input : graph.inputs()) note(input.value);
  for (const Node& node : graph.nodes()) std::ranges::for_each(node.outputs(), note);
  return sources;
}

/// Whether the order of two such nodes is part of what the program does.
bool keeps_its_turn(const Node& node) {
  const auto has_such = [](const std::shared_ptr<Graph>& graph) {
    return std::ranges::any_of(graph->nodes(), keeps_its_turn);
  };
  return has_effect(node.op()) || node.op().schema().is_mutable() || std::ranges::any_of(node.subgraphs(), has_such);
}

class Planner {
 public:
  explicit Planner(const Graph& graph) : graph_(graph), sources_(sources_of_symbols(graph)) {
    for (const GraphOutput& output : graph.outputs()) {
      if (output.kind != GraphOutput::Kind::kUser) written_.insert(graph.inputs()[output.target].value);
    }
    for (const GraphInput& input : graph.inputs()) {
      if (input.kind == GraphInput::Kind::kUser || written_.contains(input.value)) of_a_run_.insert(input.value);
    }
  }

  std::vector<PlannedNode> run() {
    std::optional<size_t> last_effect;
    for (const Node& node : graph_.nodes()) {
      if (reads_number(node) || is_checked_before(node)) continue;
      const size_t index = planned_.size();
      PlannedNode& planned = planned_.emplace_back(PlannedNode{&node, {}, {}, assertion_of(node).has_value(), true});
      for_each_needed(node, [&](const Value& value) { come_after(value, planned); });
      if (keeps_its_turn(node)) {
        planned.is_fixed = false;
        if (last_effect) planned.after.push_back(*last_effect);
        last_effect = index;
      }
      std::ranges::sort(planned.after);
      const auto rest = std::ranges::unique(planned.after);
      planned.after.erase(rest.begin(), rest.end());
      indices_.emplace(&node, index);
    }
    return std::move(planned_);
  }

  const Node* uncuttable() const {
    const Node* found = nullptr;
    const auto look_at = [&](const Value& value) {
      if (value.is_tensor() || value.producer() == nullptr || reads_number(*value.producer())) return;
      found = value.producer();
    };
    const auto look_at_sources = [&](const symbolic::Expression& expression) {
      for (const symbolic::Symbol& symbol : symbolic::symbols_of(expression)) {
        if (const auto source = sources_.find(symbol.id); source != sources_.end()) look_at(*source->second);
      }
    };
    for (const Node& node : graph_.nodes()) for_each_needed(node, look_at);
    for (const GraphOutput& output : graph_.outputs()) {
      if (output.value == nullptr) for_each_expression(output.literal, look_at_sources);
    }
    return found;
  }

 private:
  static bool is_checked_before(const Node& node) {
    const auto assertion = assertion_of(node);
    return assertion && !symbolic::is_data_dependent(assertion->condition);
  }

  template <typename Visitor>
  void for_each_needed(const Node& node, const Visitor& visit) const {
    for (const Argument& argument : node.arguments()) for_each_value(argument, visit);
    for (const symbolic::Symbol& symbol : symbols_read_by(node)) {
      if (const auto source = sources_.find(symbol.id); source != sources_.end()) visit(*source->second);
    }
  }

  /// Of a number that is read from a tensor, the tensor.
  void come_after(const Value& value, PlannedNode& planned) const {
    const Node* producer = value.producer();
    if (producer == nullptr) {
      if (of_a_run_.contains(&value)) planned.is_fixed = false;
      return;
    }
    if (const auto found = indices_.find(producer); found != indices_.end()) {
      planned.after.push_back(found->second);
      planned.is_fixed = planned.is_fixed && planned_[found->second].is_fixed;
      return;
    }
    planned.number_reads.push_back(producer);
    for_each_needed(*producer, [&](const Value& operand) { come_after(operand, planned); });
  }

  const Graph& graph_;
  const std::unordered_map<uint64_t, const Value*> sources_;
  std::unordered_set<const Value*> written_, of_a_run_;
  std::unordered_map<const Node*, size_t> indices_;
  std::vector<PlannedNode> planned_;
};

}  // namespace

std::vector<PlannedNode> planned_nodes(const Graph& graph) { return Planner(graph).run(); }

const Node* find_uncuttable(const Graph& graph) { return Planner(graph).uncuttable(); }

}  // namespace tracejet
