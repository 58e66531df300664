#include "io/pt2/graph_writer.h"

#include <algorithm>

#include "ir/analysis/subgraph_symbols.h"
#include "ir/control_flow.h"
#include "ir/symbolic_constant.h"

namespace tracejet::pt2 {

namespace {

/// "add" of "aten::add".
std::string base_name(const c10::OperatorHandle& op) {
  const std::string& name = op.operator_name().name;
  return name.substr(name.find("::") + 2);
}

std::string target_of(const c10::OperatorHandle& op) {
  const auto& [name, overload] = op.operator_name();
  const size_t colons = name.find("::");
  return "torch.ops." + name.substr(0, colons) + "." + name.substr(colons + 2) + "." +
         (overload.empty() ? "default" : overload);
}

/// What PyTorch's exporter calls the subgraphs of an operator of control flow.
std::vector<std::string> subgraph_names(const std::string& op) {
  if (op == "cond") return {"true_graph", "false_graph"};
  if (op == "while_loop") return {"while_loop_cond_graph", "while_loop_body_graph"};
  if (op == "map_impl") return {"body_graph"};
  return {op + "_combine_graph"};
}

symbolic::Expression plain(const c10::IValue& number) {
  if (number.isDouble()) return symbolic::Expression::real(number.toDouble());
  return number.isBool() ? symbolic::Expression::truth(number.toBool()) : symbolic::Expression(number.toInt());
}

/// As it was made, not as what it has turned out to be: its node is where the symbol comes from.
symbolic::Expression declared_expression(const c10::IValue& number) {
  if (const auto symbol = symbol_behind(number)) return symbolic::Expression::of(*symbol);
  const auto known = symbolic_expression(number);
  return known ? *known : plain(number);
}

}  // namespace

Json argument_of(const Reference& reference) {
  switch (reference.kind) {
    case ValueKind::kTensor:
      return one("as_tensor", one("name", reference.name));
    case ValueKind::kInt:
      return one("as_sym_int", one("as_name", reference.name));
    case ValueKind::kFloat:
      return one("as_sym_float", one("as_name", reference.name));
    case ValueKind::kBool:
      return one("as_sym_bool", one("as_name", reference.name));
  }
  throw Error("unknown kind of a node's result", ErrorCode::kInternalError);
}

std::vector<std::string> module_stacks(const Graph& graph) {
  std::vector<std::string> stacks;
  std::unordered_map<std::string, int> calls;
  for (const ModuleFrame& frame : graph.module_frames()) {
    // The second call of one module is told apart by "@1", as PyTorch's unflatten() expects.
    const int call = calls[frame.path]++;
    const std::string key = "L__self__" + frame.path + (call > 0 ? "@" + std::to_string(call) : "");
    const std::string around = frame.parent >= 0 ? stacks[static_cast<size_t>(frame.parent)] + ";" : "";
    stacks.push_back(around + key + "," + frame.path + "," + frame.type);
  }
  return stacks;
}

GraphWriter::GraphWriter(const Graph& graph, ProgramContext& program) : graph_(graph), program_(program) {
  const auto mark = [&](const Value& value) { used_.insert(&value); };
  for (const Node& node : graph.nodes()) {
    for (const Argument& argument : node.arguments()) for_each_value(argument, mark);
  }
  for (const GraphOutput& output : graph.outputs()) {
    if (output.value != nullptr) mark(*output.value);
  }
}

// Inputs ------------------------------------------------------------------------------------------------------------

void GraphWriter::add_input(const Value& value, const std::string& name, bool requires_grad) {
  names_.take(name);
  const Reference node{name, value.is_tensor() ? ValueKind::kTensor : kind_of(declared_expression(value.scalar()))};
  if (value.is_tensor()) {
    append(tensor_values_, name, program_.symbols.tensor(value.tensor(), requires_grad));
  } else {
    define_number(declared_expression(value.scalar()), name);
  }
  references_.emplace(&value, node);
  note_sources(value, node, /*is_input=*/true);
  inputs_.push_back(argument_of(node));
}

void GraphWriter::add_symbol_input(const symbolic::Symbol& symbol, const std::string& name) {
  names_.take(name);
  const auto expression = symbolic::Expression::of(symbol);
  inputs_.push_back(define_number(expression, name));
  sources_.emplace(symbol.id,
                   Source{{name, symbol.is_float ? ValueKind::kFloat : ValueKind::kInt}, std::nullopt, true});
}

void GraphWriter::add_literal_input(const std::string& name, Json argument) {
  names_.take(name);
  inputs_.push_back(std::move(argument));
}

// Sources of symbols ------------------------------------------------------------------------------------------------

void GraphWriter::note_symbol(const c10::IValue& number, const Reference& node, std::optional<int64_t> axis,
                              bool is_input) {
  // Assertions mention a symbol as it was declared, whatever it has turned out to be.
  if (const auto declared = symbol_behind(number)) sources_.emplace(declared->id, Source{node, axis, is_input});
  const auto now = symbolic_expression(number);
  if (!now || now->kind() != symbolic::Kind::kSymbol) return;
  sources_.emplace(now->symbol().id, Source{node, axis, is_input});
}

void GraphWriter::note_sources(const Value& value, const Reference& node, bool is_input) {
  if (!value.is_tensor()) return note_symbol(value.scalar(), node, std::nullopt, is_input);
  const Sizes& sizes = value.tensor().sizes;
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    if (sizes[axis].is_symbolic()) note_symbol(sizes[axis], node, static_cast<int64_t>(axis), is_input);
  }
}

/// A value that nobody reads may still be where a data-dependent size comes from.
bool GraphWriter::is_needed(const Value& value) const {
  if (used_.contains(&value) || !value.is_tensor()) return true;
  return std::ranges::any_of(value.tensor().sizes, [&](const c10::SymInt& size) {
    const auto symbol = symbolic::symbol_behind(size);
    return symbol && !symbol->backed && !sources_.contains(symbol->id);
  });
}

// Results -----------------------------------------------------------------------------------------------------------

const Reference& GraphWriter::reference(const Value& value) const {
  const auto found = references_.find(&value);
  if (found == references_.end())
    throw Error("value %" + std::to_string(value.id()) + " is used before it is computed", ErrorCode::kInternalError);
  return found->second;
}

Json GraphWriter::define(const Value& value, const std::string& name) {
  const Reference node{name, value.is_tensor() ? ValueKind::kTensor : kind_of(declared_expression(value.scalar()))};
  if (value.is_tensor()) {
    append(tensor_values_, name, program_.symbols.tensor(value.tensor(), /*requires_grad=*/false));
  } else {
    define_number(declared_expression(value.scalar()), name);
  }
  references_.emplace(&value, node);
  metadata_of_.emplace(&value, metadata_);
  note_sources(value, node, /*is_input=*/false);
  return argument_of(node);
}

std::string GraphWriter::item_name(const Value& value, const std::string& unused) {
  return is_needed(value) ? names_.unique("getitem") : unused;
}

/// `count` outputs of a node, from `next` on, as a list of TensorArguments.
Json GraphWriter::define_list(const Node& node, size_t& next, size_t count, const std::string& unused_prefix) {
  Json items = Json::array();
  for (size_t i = 0; i < count; ++i) {
    const Value* value = node.outputs()[next++];
    if (value == nullptr) continue;
    const Json item = define(*value, item_name(*value, unused_prefix + std::to_string(i)));
    items.push_back(item.at("as_tensor"));
  }
  return one("as_tensors", std::move(items));
}

/// The outputs of a call that gives a tuple; `first`: how many items of it are none of the node's.
Json GraphWriter::define_items(const Node& node, const std::string& name, size_t first) {
  Json outputs = Json::array();
  size_t next = 0;
  for (size_t i = 0; i < node.returns().size(); ++i) {
    const auto& count = node.returns()[i];
    if (count) {
      outputs.push_back(define_list(node, next, *count, names_.unique("getitem") + "_unused_"));
      continue;
    }
    const Value* value = node.outputs()[next++];
    const std::string unused = name + "_unused_" + std::to_string(first + i);
    outputs.push_back(value == nullptr ? one("as_none", true) : define(*value, item_name(*value, unused)));
  }
  return outputs;
}

Json GraphWriter::outputs_of(const Node& node, const std::string& name) {
  const auto returns = node.returns();
  if (returns.size() != 1) return define_items(node, name, 0);
  size_t next = 0;
  if (returns[0]) return Json::array({define_list(node, next, *returns[0], name + "_unused_")});
  const Value* value = node.outputs()[0];
  return Json::array({value == nullptr ? one("as_none", true) : define(*value, name)});
}

// Nodes -------------------------------------------------------------------------------------------------------------

Json GraphWriter::metadata(const Location& where) const {
  Json metadata = Json::object();
  const std::string& stack = program_.stacks.of(where);
  if (!stack.empty()) append(metadata, "stack_trace", stack);
  if (where.module_frame >= 0) {
    append(metadata, "nn_module_stack", program_.module_stacks[static_cast<size_t>(where.module_frame)]);
  }
  return metadata;
}

void GraphWriter::append_node(NodeText node, bool at_top) {
  Json json = one("target", std::move(node.target));
  append(json, "inputs", std::move(node.inputs));
  append(json, "outputs", std::move(node.outputs));
  append(json, "metadata", std::move(node.metadata));
  append(json, "is_hop_single_tensor_return", node.is_higher_order ? Json(false) : Json(nullptr));
  append(json, "name", std::move(node.name));
  (at_top ? top_nodes_ : nodes_).push_back(std::move(json));
}

void GraphWriter::add(const Node& node) {
  metadata_ = metadata(node.where());
  if (!node.subgraphs().empty()) return add_control_flow(node);
  if (node.op().schema().is_mutable()) return add_writing_call(node);
  Json inputs = inputs_of(node);
  const std::string name = names_.unique(base_name(node.op()));
  Json outputs = outputs_of(node, name);
  append_node({target_of(node.op()), std::move(inputs), std::move(outputs), metadata_, name});
}

/// Operators that write to copies of arguments: `auto_functionalized` is PyTorch's word for that. It gives what the
/// operator returns (None where that is nothing), then the copies.
void GraphWriter::add_writing_call(const Node& node) {
  Json inputs = Json::array({input_of("", one("as_operator", target_of(node.op())), /*is_positional=*/true)});
  for (Json& input : inputs_of(node)) {
    input["kind"] = kKeyword;
    inputs.push_back(std::move(input));
  }
  const std::string name = names_.unique("auto_functionalized");
  const bool returns_nothing = node.op().schema().returns().empty();
  Json outputs = Json::array();
  if (returns_nothing) outputs.push_back(one("as_none", true));
  for (Json& item : define_items(node, name, returns_nothing ? 1 : 0)) outputs.push_back(std::move(item));
  append_node({"torch.ops.higher_order.auto_functionalized", std::move(inputs), std::move(outputs), metadata_, name,
               /*is_higher_order=*/true});
}

Json GraphWriter::subgraph(const Graph& graph, std::span<const symbolic::Symbol> symbols, bool returns_tuple) const {
  GraphWriter writer(graph, program_);
  for (const GraphInput& input : graph.inputs()) {
    if (input.value == nullptr) throw Error("a subgraph has an input that is no tensor", ErrorCode::kInternalError);
    writer.add_input(*input.value, input.name, /*requires_grad=*/false);
  }
  for (const symbolic::Symbol& symbol : symbols) writer.add_symbol_input(symbol, symbol.name);
  writer.add_nodes();
  Json outputs = Json::array();
  for (const GraphOutput& output : graph.outputs()) outputs.push_back(writer.output(output));
  return writer.take(std::move(outputs), !returns_tuple);
}

void GraphWriter::add_control_flow(const Node& node) {
  const std::string op = base_name(node.op());
  const std::vector<symbolic::Symbol> symbols = symbols_from_around(node);
  const auto names = subgraph_names(op);
  const int64_t number = subgraph_counts_[names[0]]++;
  std::vector<Json> graphs;
  for (size_t i = 0; i < node.subgraphs().size(); ++i) {
    const bool is_condition = node.op() == control_flow::while_loop() && i == 0;
    Json graph = subgraph(*node.subgraphs()[i], symbols, /*returns_tuple=*/!is_condition);
    Json argument = one("name", names.at(i) + "_" + std::to_string(number));
    append(argument, "graph", std::move(graph));
    graphs.push_back(one("as_graph", std::move(argument)));
  }
  std::vector<Reference> numbers;
  for (const symbolic::Symbol& symbol : symbols) numbers.push_back(this->number(symbolic::Expression::of(symbol)));
  for (const Json& graph : graphs) names_.unique(graph["as_graph"]["name"].get_ref<const std::string&>());

  const auto operands = node.arguments();
  const size_t first = node.op() == control_flow::cond() ? 1 : 0;
  Json inputs = Json::array();
  const auto add_input = [&](Json argument) { inputs.push_back(input_of("", std::move(argument), true)); };
  for (size_t i = 0; i < first; ++i) {
    add_input(argument(operands[i], node.op().schema().arguments()[i].real_type()));
  }
  for (Json& graph : graphs) add_input(std::move(graph));
  for (size_t i = first; i < operands.size(); ++i) {
    std::vector<Reference> references;
    for_each_value(operands[i], [&](const Value& value) { references.push_back(reference(value)); });
    if (i + 1 == operands.size()) references.insert(references.end(), numbers.begin(), numbers.end());
    add_input(references_argument(references));
  }
  const std::string name = names_.unique(op);
  Json outputs = Json::array();
  for (size_t i = 0; i < node.outputs().size(); ++i) {
    const Value& value = *node.outputs()[i];
    outputs.push_back(define(value, item_name(value, name + "_unused_" + std::to_string(i))));
  }
  append_node({"torch.ops.higher_order." + op, std::move(inputs), std::move(outputs), metadata_, name,
               /*is_higher_order=*/true});
}

void GraphWriter::add_nodes() {
  for (const Node& node : graph_.nodes()) add(node);
}

// Outputs -----------------------------------------------------------------------------------------------------------

Json GraphWriter::output(const GraphOutput& output) {
  metadata_ = Json::object();
  if (!program_.module_stacks.empty()) append(metadata_, "nn_module_stack", program_.module_stacks.front());
  return output.value != nullptr ? argument_of(reference(*output.value))
                                 : constant(output.literal, c10::AnyType::get());
}

Json GraphWriter::copy_of(const Value& value) {
  const Reference node{names_.unique("alias"), ValueKind::kTensor};
  append(tensor_values_, node.name, program_.symbols.tensor(value.tensor(), /*requires_grad=*/false));
  Json inputs = Json::array({input_of("self", argument_of(reference(value)), /*is_positional=*/true)});
  const auto known = metadata_of_.find(&value);
  append_node({"torch.ops.aten.alias.default", std::move(inputs), Json::array({argument_of(node)}),
               known == metadata_of_.end() ? Json::object() : known->second, node.name});
  return argument_of(node);
}

Json GraphWriter::take(Json outputs, bool is_single) {
  Json nodes = std::move(top_nodes_);
  for (Json& node : nodes_) nodes.push_back(std::move(node));
  Json graph = one("inputs", std::move(inputs_));
  append(graph, "outputs", std::move(outputs));
  append(graph, "nodes", std::move(nodes));
  append(graph, "tensor_values", std::move(tensor_values_));
  append(graph, "sym_int_values", std::move(sym_int_values_));
  append(graph, "sym_bool_values", std::move(sym_bool_values_));
  append(graph, "is_single_tensor_return", is_single);
  append(graph, "custom_obj_values", Json::object());
  append(graph, "sym_float_values", std::move(sym_float_values_));
  return graph;
}

}  // namespace tracejet::pt2
