// What a program consists of, for those who look into one.
#include <algorithm>

#include "base/error.h"
#include "ir/call.h"
#include "ir/model_line.h"
#include "ir/node_text.h"
#include "ir/schema.h"
#include <tracejet/program.h>

namespace tracejet {

// Values -------------------------------------------------------------------------------------------------------------

namespace {

const TensorMeta& tensor_of(const Value& value) {
  if (value.is_tensor()) return value.tensor();
  throw Error(name_of(&value) + " is a number, no tensor");
}

}  // namespace

std::string ProgramValue::name() const { return name_of(value_); }

std::string ProgramValue::str() const { return definition_of(value_); }

bool ProgramValue::is_tensor() const { return value_->is_tensor(); }

at::ScalarType ProgramValue::dtype() const { return tensor_of(*value_).dtype; }

c10::Device ProgramValue::device() const { return tensor_of(*value_).device; }

std::span<const c10::SymInt> ProgramValue::sizes() const { return tensor_of(*value_).sizes; }

std::optional<ProgramNode> ProgramValue::producer() const {
  if (value_->producer() == nullptr) return std::nullopt;
  return ProgramNode(graph_, *value_->producer());
}

std::vector<ProgramNode> ProgramValue::users() const {
  std::vector<ProgramNode> users;
  for (const Node* user : value_->users()) users.emplace_back(graph_, *user);
  return users;
}

bool ProgramValue::is_output() const { return graph_->is_output(*value_); }

// Calls --------------------------------------------------------------------------------------------------------------

namespace {

ProgramArgument in_public(const std::shared_ptr<const Graph>& graph, const Argument& argument) {
  if (const auto* value = std::get_if<const Value*>(&argument)) return ProgramValue(graph, **value);
  const auto* list = std::get_if<std::vector<const Value*>>(&argument);
  if (list == nullptr) return std::get<c10::IValue>(argument);
  std::vector<std::optional<ProgramValue>> values;
  for (const Value* value : *list) {
    values.push_back(value == nullptr ? std::nullopt : std::optional(ProgramValue(graph, *value)));
  }
  return values;
}

std::vector<ProgramNode> nodes_of(const std::shared_ptr<const Graph>& graph) {
  std::vector<ProgramNode> nodes;
  for (const Node& node : graph->nodes()) nodes.emplace_back(graph, node);
  return nodes;
}

}  // namespace

std::string ProgramNode::op() const { return full_name(node_->op()); }

std::string ProgramNode::str() const { return text_of(*node_); }

std::vector<std::pair<std::string, ProgramArgument>> ProgramNode::arguments() const {
  std::vector<std::pair<std::string, ProgramArgument>> arguments;
  const auto& declared = node_->op().schema().arguments();
  for (size_t i = 0; i < node_->arguments().size(); ++i) {
    arguments.emplace_back(i < declared.size() ? declared[i].name() : "", in_public(graph_, node_->arguments()[i]));
  }
  return arguments;
}

ProgramArgument ProgramNode::argument(std::string_view name) const {
  const Call call(*node_);
  if (!call.declares(name)) throw InvalidInput("[" + op() + "] has no argument " + std::string(name));
  return in_public(graph_, call.argument(name));
}

ProgramValue ProgramNode::value(std::string_view name) const {
  const ProgramArgument given = argument(name);
  if (const auto* value = std::get_if<ProgramValue>(&given)) return *value;
  throw InvalidInput("[" + op() + "] takes no tensor as " + std::string(name));
}

std::vector<ProgramValue> ProgramNode::outputs() const {
  std::vector<ProgramValue> outputs;
  for (const Value* output : node_->outputs()) {
    if (output != nullptr) outputs.emplace_back(graph_, *output);
  }
  return outputs;
}

std::string ProgramNode::where() const { return describe(node_->where(), *graph_); }

std::vector<std::vector<ProgramNode>> ProgramNode::bodies() const {
  std::vector<std::vector<ProgramNode>> bodies;
  for (const auto& subgraph : node_->subgraphs()) bodies.push_back(nodes_of(subgraph));
  return bodies;
}

// Programs -----------------------------------------------------------------------------------------------------------

namespace {

ProgramTensor::Kind kind_of(GraphInput::Kind kind) {
  if (kind == GraphInput::Kind::kParameter) return ProgramTensor::Kind::kParameter;
  return kind == GraphInput::Kind::kBuffer ? ProgramTensor::Kind::kBuffer : ProgramTensor::Kind::kConstant;
}

}  // namespace

std::vector<ProgramTensor> tensors_of(const Program& program) {
  std::vector<ProgramTensor> tensors;
  for (const GraphInput& input : program.graph()->inputs()) {
    if (input.kind != GraphInput::Kind::kUser) tensors.push_back({kind_of(input.kind), input.name, input.data});
  }
  return tensors;
}

std::vector<ProgramNode> nodes_of(const Program& program) { return nodes_of(program.graph()); }

std::vector<ProgramValue> arguments_of(const Program& program) {
  std::vector<ProgramValue> arguments;
  for (const GraphInput& input : program.graph()->inputs()) {
    const bool is_tensor = input.kind == GraphInput::Kind::kUser && input.value != nullptr;
    if (is_tensor) arguments.emplace_back(program.graph(), *input.value);
  }
  return arguments;
}

}  // namespace tracejet
