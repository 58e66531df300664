// Changes of a finished program, by those who use it.
#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "frontends/recorded_code.h"
#include "ir/copy.h"
#include "ir/node_text.h"
#include "ir/passes/dead_nodes.h"
#include "ir/verify.h"
#include "symbolic/sym_node.h"
#include <tracejet/program_editor.h>

namespace tracejet {

namespace {

using Values = std::unordered_map<const Value*, const Value*>;

bool is_of(const Graph& graph, const Node& node) {
  return std::ranges::any_of(graph.nodes(), [&](const Node& own) { return &own == &node; });
}

bool is_of(const Graph& graph, const Value& value) {
  if (value.producer() != nullptr) return is_of(graph, *value.producer());
  return std::ranges::any_of(graph.inputs(), [&](const GraphInput& input) { return input.value == &value; });
}

template <typename Part>
void check_is_of(const Graph& graph, const Part& part) {
  if (is_of(graph, part)) return;
  throw InvalidInput(
      "what is to be changed is no call or value of this editor's program: take it from the editor's nodes() or "
      "arguments(); bodies of control flow can't be changed");
}

/// Whether it is computed in front of a node; null: of the end.
bool is_known_before(const Graph& graph, const Value& value, const Node* before) {
  if (value.producer() == nullptr || before == nullptr) return true;
  for (const Node& node : graph.nodes()) {
    if (&node == before) return false;
    if (&node == value.producer()) return true;
  }
  return false;
}

bool is_same_memory(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() && a.is_alias_of(b) && a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         a.strides() == b.strides() && a.storage_offset() == b.storage_offset();
}

/// The program's own input of the same memory, or a new constant.
const Value* constant_in(Graph& graph, const GraphInput& constant) {
  std::unordered_set<std::string> names;
  for (const GraphInput& input : graph.inputs()) {
    names.insert(input.name);
    if (is_same_memory(input.data, constant.data)) return input.value;
  }
  std::string name = constant.name;
  for (int number = 0; names.contains(name); ++number) name = "inserted_tensor_" + std::to_string(number);
  return graph.add_input(GraphInput::Kind::kConstant, constant.value->tensor(), std::move(name), constant.data);
}

/// What the graph can't be made to is what its editor was asked for.
template <typename Change>
void change(const Change& changed) {
  try {
    changed();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInternalError) throw;
    throw InvalidInput(error.message());
  }
}

bool lie_alike(const Value& a, const Value& b) {
  return !a.is_tensor() || !b.is_tensor() ||
         std::ranges::equal(a.tensor().strides, b.tensor().strides, symbolic::is_statically_equal);
}

}  // namespace

ProgramEditor::ProgramEditor(const Program& program)
    : graph_(copy_with_outputs(*program.graph(), {}).graph), inputs_(program.inputs()) {}

std::vector<ProgramNode> ProgramEditor::nodes() const { return nodes_of(Program(graph_)); }

std::vector<ProgramValue> ProgramEditor::arguments() const { return arguments_of(Program(graph_)); }

std::vector<ProgramValue> ProgramEditor::insert(const ProgramNode& before, const Forward& code,
                                                const std::vector<ProgramValue>& operands,
                                                const TraceOptions& options) {
  check_is_of(*graph_, before.node());
  return insert(&before.node(), before.node().where(), code, operands, options);
}

std::vector<ProgramValue> ProgramEditor::insert_after(const ProgramNode& node, const Forward& code,
                                                      const std::vector<ProgramValue>& operands,
                                                      const TraceOptions& options) {
  check_is_of(*graph_, node.node());
  const auto& nodes = graph_->nodes();
  const auto place = std::ranges::find_if(nodes, [&](const Node& own) { return &own == &node.node(); });
  const Node* before = std::next(place) == nodes.end() ? nullptr : &*std::next(place);
  return insert(before, node.node().where(), code, operands, options);
}

std::vector<ProgramValue> ProgramEditor::insert(const Node* before, const Location& where, const Forward& code,
                                                const std::vector<ProgramValue>& operands,
                                                const TraceOptions& options) {
  std::vector<const Value*> given;
  for (const ProgramValue& operand : operands) {
    check_is_of(*graph_, operand.value());
    given.push_back(&operand.value());
    if (is_known_before(*graph_, operand.value(), before)) continue;
    throw InvalidInput("the code can't be inserted in front of " + text_of(*before) + ": " + operand.str() +
                       ", which it takes, is computed behind it");
  }
  const RecordedCode recorded = record_code(*graph_, code, given, options.decompositions);
  Values values;
  size_t next = 0;
  for (const GraphInput& input : recorded.graph->inputs()) {
    const bool is_operand = input.kind == GraphInput::Kind::kUser;
    values.emplace(input.value, is_operand ? given[next++] : constant_in(*graph_, input));
  }
  graph_->order_inputs();
  for (const Node& node : recorded.graph->nodes()) copy_node_at(node, *graph_, values, before, where);
  std::vector<ProgramValue> results;
  for (const Value* result : recorded.results) results.emplace_back(graph_, *values.at(result));
  return results;
}

void ProgramEditor::replace(const ProgramValue& value, const ProgramValue& by) {
  check_is_of(*graph_, value.value());
  check_is_of(*graph_, by.value());
  if (!lie_alike(value.value(), by.value())) {
    throw InvalidInput("the graph can't be changed so: " + by.str() + " lies otherwise in memory than " + value.str() +
                       "; give it the same layout (contiguous()) first");
  }
  change([&] { graph_->replace_later_uses(value.value(), by.value()); });
}

void ProgramEditor::erase(const ProgramNode& node) {
  check_is_of(*graph_, node.node());
  change([&] { graph_->erase(node.node()); });
}

void ProgramEditor::erase_unused() { eliminate_dead_nodes(*graph_); }

void ProgramEditor::move(const ProgramNode& node, const ProgramNode& before) {
  check_is_of(*graph_, node.node());
  check_is_of(*graph_, before.node());
  change([&] { graph_->move(node.node(), &before.node()); });
}

void ProgramEditor::verify() const { verify_graph(*graph_); }

Program ProgramEditor::program() const {
  verify();
  return Program(copy_with_outputs(*graph_, {}).graph, inputs_);
}

}  // namespace tracejet
