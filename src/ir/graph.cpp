#include "ir/graph.h"

#include <algorithm>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "ir/analysis/effect.h"
#include "ir/analysis/subgraph_symbols.h"
#include "ir/assertion.h"
#include "ir/node_text.h"
#include "symbolic/sym_node.h"

namespace tracejet {

const Value* Graph::add_input(GraphInput::Kind kind, std::optional<TensorMeta> meta, std::string name, at::Tensor data,
                              bool persistent) {
  const Value* value = nullptr;
  if (meta) value = &values_.emplace_back(static_cast<int64_t>(values_.size()), *std::move(meta));
  inputs_.push_back({kind, value, std::move(name), std::move(data), persistent});
  return value;
}

Node& Graph::add_node(c10::OperatorHandle op, std::vector<Argument> arguments, std::vector<OutputMeta> outputs,
                      Location where, std::vector<std::shared_ptr<Graph>> subgraphs) {
  Node& node = nodes_.emplace_back(std::move(op), std::move(arguments), std::move(where));
  node.subgraphs_ = std::move(subgraphs);
  const auto add_value = [&](auto content) {
    Value& value = values_.emplace_back(static_cast<int64_t>(values_.size()), std::move(content));
    value.producer_ = &node;
    value.output_index_ = node.outputs_.size();
    node.outputs_.push_back(&value);
  };
  for (OutputMeta& output : outputs) {
    node.returns_.emplace_back();
    if (auto* tensor = std::get_if<TensorMeta>(&output)) {
      add_value(std::move(*tensor));
    } else if (auto* scalar = std::get_if<c10::IValue>(&output)) {
      add_value(std::move(*scalar));
    } else if (auto* list = std::get_if<std::vector<TensorMeta>>(&output)) {
      node.returns_.back() = list->size();
      for (TensorMeta& tensor : *list) add_value(std::move(tensor));
    } else {
      node.outputs_.push_back(nullptr);
    }
  }
  return node;
}

std::shared_ptr<Graph> Graph::make_subgraph() const {
  auto graph = std::make_shared<Graph>(shapes_);
  graph->module_frames_ = module_frames_;
  return graph;
}

int32_t Graph::add_module_frame(ModuleFrame frame) {
  module_frames_->push_back(std::move(frame));
  return static_cast<int32_t>(module_frames_->size()) - 1;
}

void Graph::order_inputs() {
  std::stable_sort(inputs_.begin(), inputs_.end(),
                   [](const GraphInput& a, const GraphInput& b) { return a.kind < b.kind; });
}

namespace {

/// The symbols that a constant argument mentions: the sizes of a view, the condition of an assertion.
void collect_symbols(const c10::IValue& constant, std::unordered_set<uint64_t>& symbols) {
  std::optional<symbolic::Expression> expression;
  if (constant.isSymInt()) expression = symbolic::expression_of(constant.toSymInt());
  if (constant.isSymFloat()) expression = symbolic::expression_of(constant.toSymFloat());
  if (constant.isSymBool()) expression = symbolic::expression_of(constant.toSymBool());
  if (constant.isList()) {
    for (const c10::IValue& element : constant.toListRef()) collect_symbols(element, symbols);
  }
  if (!expression) return;
  for (const symbolic::Symbol& symbol : symbolic::symbols_of(*expression)) symbols.insert(symbol.id);
}

/// The node that each data-dependent number comes from.
std::unordered_map<uint64_t, const Node*> sources_of_symbols(const std::list<Node>& nodes) {
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

}  // namespace

void Graph::eliminate_dead_nodes() {
  const auto sources = sources_of_symbols(nodes_);
  std::unordered_set<const Value*> needed;
  std::unordered_set<uint64_t> symbols;
  std::unordered_set<const Node*> needed_for_symbols;
  const auto need_symbol = [&](uint64_t symbol) {
    if (const auto source = sources.find(symbol); source != sources.end()) needed_for_symbols.insert(source->second);
  };
  const auto need_symbols = [&](const c10::IValue& constant) {
    if (sources.empty()) return;
    symbols.clear();
    collect_symbols(constant, symbols);
    std::ranges::for_each(symbols, need_symbol);
  };
  for (const GraphOutput& output : outputs_) {
    if (output.value != nullptr) {
      needed.insert(output.value);
    } else {
      need_symbols(output.literal);
    }
  }
  for (auto node = nodes_.end(); node != nodes_.begin();) {
    --node;
    const bool used = std::any_of(node->outputs_.begin(), node->outputs_.end(),
                                  [&](const Value* value) { return needed.contains(value); });
    const bool defines_number = std::any_of(node->outputs_.begin(), node->outputs_.end(),
                                            [](const Value* value) { return value != nullptr && !value->is_tensor(); });
    if (!used && !defines_number && !needed_for_symbols.contains(&*node) && !has_to_stay(*node)) {
      node = nodes_.erase(node);
      continue;
    }
    for (const Argument& argument : node->arguments_) {
      for_each_value(argument, [&](const Value& value) { needed.insert(&value); });
      if (const auto* constant = std::get_if<c10::IValue>(&argument)) need_symbols(*constant);
    }
    if (sources.empty() || node->subgraphs().empty()) continue;
    for (const symbolic::Symbol& symbol : symbols_from_around(*node)) need_symbol(symbol.id);
  }
}

namespace {

const char* print(GraphInput::Kind kind) {
  switch (kind) {
    case GraphInput::Kind::kParameter:
      return "parameter";
    case GraphInput::Kind::kBuffer:
      return "buffer";
    case GraphInput::Kind::kConstant:
      return "constant";
    case GraphInput::Kind::kUser:
      return "input";
  }
  throw Error("unknown kind of graph input");
}

const char* print(GraphOutput::Kind kind) {
  switch (kind) {
    case GraphOutput::Kind::kUser:
      return "output";
    case GraphOutput::Kind::kBufferMutation:
      return "writes buffer";
    case GraphOutput::Kind::kInputMutation:
      return "writes input";
  }
  throw Error("unknown kind of graph output");
}

std::string indented(const std::string& text) {
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) result += "  " + line + '\n';
  return result;
}

}  // namespace

std::string Graph::str() const {
  std::ostringstream out;
  for (const GraphInput& input : inputs_) {
    out << print(input.kind) << ' ' << input.name << " = " << definition_of(input.value) << '\n';
  }
  for (const Node& node : nodes_) {
    out << text_of(node) << '\n';
    for (const auto& subgraph : node.subgraphs()) out << "{\n" << indented(subgraph->str()) << "}\n";
  }
  for (const GraphOutput& output : outputs_) {
    out << print(output.kind);
    if (output.kind != GraphOutput::Kind::kUser) out << ' ' << inputs_[output.target].name;
    out << ' ';
    if (output.value != nullptr) {
      out << name_of(output.value) << '\n';
    } else {
      out << output.literal << '\n';
    }
  }
  return out.str();
}

}  // namespace tracejet
