#include "ir/clone_range.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "ir/analysis/effect.h"
#include "ir/analysis/subgraph_symbols.h"
#include "ir/copy.h"
#include "ir/node_text.h"
#include "ir/symbol_binding.h"

namespace tracejet {

namespace {

using symbolic::Symbol;

/// Calls `visit(const Symbol&)` for all that sizes and strides mention.
template <typename Visitor>
void for_each_symbol_of(const TensorMeta& meta, Visitor&& visit) {
  const auto visit_all = [&](const c10::SymInt& number) {
    const auto expression = symbolic_expression(number);
    if (expression) std::ranges::for_each(symbolic::symbols_of(*expression), visit);
  };
  std::ranges::for_each(meta.sizes, visit_all);
  std::ranges::for_each(meta.strides, visit_all);
  visit_all(meta.storage_offset);
}

}  // namespace

bool reads_number(const Node& node) {
  const auto is_number = [](const Value* output) { return output != nullptr && !output->is_tensor(); };
  const auto is_fixed = [](const Argument& argument) {
    const auto* constant = std::get_if<c10::IValue>(&argument);
    return constant == nullptr || !is_symbolic(*constant);
  };
  return node.op().operator_name().name.starts_with("aten::") && !has_effect(node.op()) &&
         !node.op().schema().is_mutable() && std::ranges::all_of(node.outputs(), is_number) &&
         std::ranges::all_of(node.arguments(), is_fixed);
}

namespace {

class RangeCloner {
 public:
  RangeCloner(const Graph& graph, std::span<const Node* const> nodes, std::span<const Node* const> copied)
      : graph_(graph), nodes_(nodes), inside_(nodes.begin(), nodes.end()), copied_(copied.begin(), copied.end()) {}

  ClonedRange run() {
    find_sources();
    check_order();
    find_inputs();
    find_outputs();
    add_inputs();
    for (const Node& node : graph_.nodes()) {
      if (number_reads_.contains(&node)) copy_node(node, *result_.graph, values_);
    }
    for (const Node* node : nodes_) copy_node(*node, *result_.graph, values_);
    for (const Value* value : result_.outputs) {
      result_.graph->add_output({GraphOutput::Kind::kUser, values_.at(value), {}, 0});
    }
    return std::move(result_);
  }

 private:
  void find_sources() {
    const auto note = [&](const Value& value) {
      for_each_bound_symbol(value,
                            [&](const SymbolBinding& binding) { sources_.try_emplace(binding.symbol.id, &value); });
    };
    for (const GraphInput& input : graph_.inputs()) {
      if (input.value != nullptr) note(*input.value);
    }
    for (const Node& node : graph_.nodes()) {
      for (const Value* output : node.outputs()) {
        if (output != nullptr) note(*output);
      }
    }
  }

  const Value& source_of(const Symbol& symbol) const {
    const auto source = sources_.find(symbol.id);
    if (source == sources_.end()) throw Error("no value of the graph tells " + symbol.name, ErrorCode::kInternalError);
    return *source->second;
  }

  bool is_inside(const Value& value) const { return inside_.contains(value.producer()); }

  /// Calls `visit(const Value&)` for all that a node needs: what it reads, and what tells the symbols of its arguments.
  template <typename Visitor>
  void for_each_needed(const Node& node, Visitor&& visit) const {
    for (const Argument& argument : node.arguments()) for_each_value(argument, visit);
    for (const Symbol& symbol : symbols_read_by(node)) visit(source_of(symbol));
  }

  void check_order() const {
    std::unordered_set<const Node*> after;  // nodes outside that need what is inside
    auto next = nodes_.begin();
    for (const Node& node : graph_.nodes()) {
      const bool is_next = next != nodes_.end() && *next == &node;
      if (is_next) ++next;
      for_each_needed(node, [&](const Value& value) {
        const bool is_after = after.contains(value.producer());
        if (is_next && is_after) {
          throw Error("these nodes can't be a graph of their own: " + text_of(node) + " needs %" +
                          std::to_string(value.id()) + ", which is computed from them outside",
                      ErrorCode::kInternalError);
        }
        const bool is_needed_from_here = is_inside(value) && !copied_.contains(value.producer());
        if (!is_next && (is_after || is_needed_from_here)) after.insert(&node);
      });
    }
    if (next != nodes_.end())
      throw Error("nodes to clone aren't in the order of execution: " + text_of(**next), ErrorCode::kInternalError);
  }

  // Inputs ------------------------------------------------------------------------------------------------------------

  void find_inputs() {
    for (const Node* node : nodes_) {
      for (const Argument& argument : node->arguments()) {
        for_each_value(argument, [&](const Value& value) {
          if (!is_inside(value)) take(value);
        });
      }
    }
    for (const Node* node : nodes_) {
      std::ranges::for_each(symbols_read_by(*node), [&](const Symbol& symbol) { needed_.push_back(symbol); });
      for (const Value* output : node->outputs()) {
        if (output == nullptr || !output->is_tensor()) continue;
        for_each_symbol_of(output->tensor(), [&](const Symbol& symbol) {
          if (symbol.backed) needed_.push_back(symbol);  // the sizes of data-dependent ones come with the data
        });
      }
    }
    while (!needed_.empty()) {
      const Symbol symbol = std::move(needed_.back());
      needed_.pop_back();
      if (bound_.contains(symbol.id)) continue;
      const Value& source = source_of(symbol);
      if (!is_inside(source)) take(source);
    }
  }

  /// `value` has to be there before the nodes run.
  void take(const Value& value) {
    if (!value.is_tensor()) return take_number(value);
    if (!taken_.insert(&value).second) return;
    for_each_bound_symbol(value, [&](const SymbolBinding& binding) { bound_.insert(binding.symbol.id); });
    for_each_symbol_of(value.tensor(), [&](const Symbol& symbol) { needed_.push_back(symbol); });
  }

  void take_number(const Value& number) {
    const Node& node = *number.producer();
    if (!reads_number(node)) {
      throw UnsupportedOperator("the program can't be cut here: a number would have to cross, which " + text_of(node) +
                                " gives");
    }
    if (!number_reads_.insert(&node).second) return;
    for (const Value* output : node.outputs()) {
      for_each_bound_symbol(*output, [&](const SymbolBinding& binding) { bound_.insert(binding.symbol.id); });
    }
    for (const Argument& argument : node.arguments()) {
      for_each_value(argument, [&](const Value& value) { take(value); });
    }
  }

  /// Weights, then all that a user would pass, each in the order of the whole program.
  void add_inputs() {
    result_.graph = graph_.make_subgraph();
    std::unordered_set<const Value*> written;
    for (const GraphOutput& output : graph_.outputs()) {
      if (output.kind != GraphOutput::Kind::kUser) written.insert(graph_.inputs()[output.target].value);
    }
    std::vector<GraphInput> users;
    for (const GraphInput& input : graph_.inputs()) {
      if (input.value == nullptr || !taken_.contains(input.value)) continue;
      names_.insert(input.name);
      if (input.kind == GraphInput::Kind::kUser || written.contains(input.value)) {
        users.push_back({GraphInput::Kind::kUser, input.value, input.name, {}});
      } else {
        add_input(input);
      }
    }
    for (const GraphInput& user : users) add_input(user);
    for (const Node& node : graph_.nodes()) {
      for (const Value* output : node.outputs()) {
        if (output == nullptr || !taken_.contains(output)) continue;
        add_input({GraphInput::Kind::kUser, output, unique("value_" + std::to_string(output->id())), {}});
      }
    }
  }

  void add_input(const GraphInput& input) {
    const Value* value =
        result_.graph->add_input(input.kind, input.value->tensor(), input.name, input.data, input.persistent);
    values_.emplace(input.value, value);
    result_.inputs.push_back(input.value);
  }

  std::string unique(std::string name) {
    while (!names_.insert(name).second) name += '_';
    return name;
  }

  // Outputs -----------------------------------------------------------------------------------------------------------

  void find_outputs() {
    std::unordered_set<const Value*> given;
    const auto give = [&](const Value& value) {
      if (value.is_tensor() && is_inside(value)) given.insert(&value);
      if (value.is_tensor() || !is_inside(value)) return;
      for (const Argument& argument : value.producer()->arguments()) {  // what its number is read from
        for_each_value(argument, [&](const Value& operand) {
          if (is_inside(operand)) given.insert(&operand);
        });
      }
    };
    const auto give_sources = [&](const symbolic::Expression& expression) {
      for (const Symbol& symbol : symbolic::symbols_of(expression)) give(source_of(symbol));
    };
    for (const Node& node : graph_.nodes()) {
      if (!inside_.contains(&node)) give_to(node, give);
    }
    for (const GraphOutput& output : graph_.outputs()) {
      if (output.value == nullptr) {
        for_each_expression(output.literal, give_sources);
      } else if (is_inside(*output.value)) {
        given.insert(output.value);
      }
    }
    for (const Node* node : nodes_) {
      if (copied_.contains(node)) continue;
      for (const Value* output : node->outputs()) {
        if (output != nullptr && given.contains(output)) result_.outputs.push_back(output);
      }
    }
  }

  /// What a node outside reads, and what binds the symbols that these values don't.
  template <typename Give>
  void give_to(const Node& node, const Give& give) const {
    std::unordered_set<uint64_t> bound;
    std::vector<Symbol> needed = symbols_read_by(node);
    for (const Argument& argument : node.arguments()) {
      for_each_value(argument, [&](const Value& value) {
        give(value);
        for_each_bound_symbol(value, [&](const SymbolBinding& binding) { bound.insert(binding.symbol.id); });
        if (!value.is_tensor()) return;
        for_each_symbol_of(value.tensor(), [&](const Symbol& symbol) { needed.push_back(symbol); });
      });
    }
    for (const Symbol& symbol : needed) {
      if (!bound.contains(symbol.id)) give(source_of(symbol));
    }
  }

  const Graph& graph_;
  const std::span<const Node* const> nodes_;
  const std::unordered_set<const Node*> inside_, copied_;
  std::unordered_map<uint64_t, const Value*> sources_;  ///< of each symbol: the value that tells it first
  std::unordered_set<const Value*> taken_;              ///< tensors from outside
  std::unordered_set<const Node*> number_reads_;        ///< nodes outside that are cloned, too
  std::unordered_set<uint64_t> bound_;                  ///< by these
  std::vector<Symbol> needed_;                          ///< still to be looked at
  std::unordered_set<std::string> names_;
  std::unordered_map<const Value*, const Value*> values_;
  ClonedRange result_;
};

}  // namespace

ClonedRange clone_range(const Graph& graph, std::span<const Node* const> nodes, std::span<const Node* const> copied) {
  return RangeCloner(graph, nodes, copied).run();
}

}  // namespace tracejet
