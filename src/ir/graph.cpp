#include "ir/graph.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <sstream>

#include "base/error.h"
#include "ir/node_text.h"

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
  return emplace(nodes_.end(), std::move(op), std::move(arguments), std::move(outputs), std::move(where),
                 std::move(subgraphs));
}

Node& Graph::emplace(Nodes::iterator place, c10::OperatorHandle op, std::vector<Argument> arguments,
                     std::vector<OutputMeta> outputs, Location where, std::vector<std::shared_ptr<Graph>> subgraphs) {
  const auto added = nodes_.emplace(place, std::move(op), std::move(arguments), std::move(where));
  Node& node = *added;
  node.place_ = added;
  node.subgraphs_ = std::move(subgraphs);
  for (const Argument& argument : node.arguments_) {
    for_each_value(argument, [&](const Value& value) {
      if (value.users_.empty() || value.users_.back() != &node) value.users_.push_back(&node);
    });
  }
  const auto add_value = [&](auto content) {
    Value& value = values_.emplace_back(static_cast<int64_t>(values_.size()), std::move(content));
    value.producer_ = &node;
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
  std::vector<size_t> order(inputs_.size()), place(inputs_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::less(), [&](size_t i) { return inputs_[i].kind; });
  std::vector<GraphInput> ordered;
  for (const size_t i : order) {
    place[i] = ordered.size();
    ordered.push_back(std::move(inputs_[i]));
  }
  inputs_ = std::move(ordered);
  for (GraphOutput& output : outputs_) {
    if (output.kind != GraphOutput::Kind::kUser) output.target = place[output.target];
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
  throw Error("unknown kind of graph input", ErrorCode::kInternalError);
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
  throw Error("unknown kind of graph output", ErrorCode::kInternalError);
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
