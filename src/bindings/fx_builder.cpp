#include "bindings/fx_builder.h"

#include <algorithm>

#include <torch/csrc/jit/python/pybind_utils.h>

#include "base/error.h"
#include "ir/analysis/subgraph_symbols.h"
#include "ir/control_flow.h"
#include "ir/symbol_binding.h"

namespace tracejet::python {

namespace {

std::string key_of(const ModuleFrame& frame, int call) {
  std::string key = "L__self__" + frame.path;
  if (call > 0) key += "@" + std::to_string(call);
  return key;
}

/// For each module frame, `meta["nn_module_stack"]`: the modules that were running, outermost first. The second call
/// of one module is told apart by "@1", as PyTorch's unflatten() expects.
std::vector<py::dict> module_stacks(const Graph& graph) {
  std::vector<py::dict> stacks;
  std::unordered_map<std::string, int> calls;
  for (const ModuleFrame& frame : graph.module_frames()) {
    py::dict stack;
    if (frame.parent >= 0) stack = py::dict(stacks[static_cast<size_t>(frame.parent)].attr("copy")());
    const std::string key = key_of(frame, calls[frame.path]++);
    stack[py::str(key)] = py::make_tuple(frame.path, frame.type);
    stacks.push_back(std::move(stack));
  }
  return stacks;
}

/// One more than the largest id of a value.
size_t id_count(const Graph& graph) {
  int64_t largest = -1;
  for (const GraphInput& input : graph.inputs()) {
    if (input.value != nullptr) largest = std::max(largest, input.value->id());
  }
  for (const Node& node : graph.nodes()) {
    for (const Value* value : node.outputs()) {
      if (value != nullptr) largest = std::max(largest, value->id());
    }
  }
  return static_cast<size_t>(largest + 1);
}

std::vector<bool> used_values(const Graph& graph) {
  std::vector<bool> used(id_count(graph), false);
  const auto mark = [&](const Value& value) { used[static_cast<size_t>(value.id())] = true; };
  for (const Node& node : graph.nodes()) {
    for (const Argument& argument : node.arguments()) for_each_value(argument, mark);
  }
  for (const GraphOutput& output : graph.outputs()) {
    if (output.value != nullptr) mark(*output.value);
  }
  return used;
}

}  // namespace

FxBuilder::FxBuilder(std::shared_ptr<const Graph> graph, py::object writer)
    : graph_(std::move(graph)),
      writer_(writer),
      call_(writer.attr("call")),
      find_operator_(writer.attr("operator")),
      symbolic_node_(writer.attr("symbolic_node")),
      symbol_source_(writer.attr("symbol_source")),
      getitem_(py::module_::import("operator").attr("getitem")),
      values_(writer),
      stacks_(*graph_, writer.attr("source_line")),
      module_stacks_(module_stacks(*graph_)),
      nodes_(id_count(*graph_)),
      used_(used_values(*graph_)) {
  references_.value = [this](const Value& value) { return node(value); };
  references_.number = [this](const symbolic::Expression& expression) {
    return expression.is_constant() ? values_.number(expression) : symbolic_node_(expression, annotations_);
  };
}

py::object FxBuilder::node(const Value& value) const {
  const py::object& fx_node = nodes_[static_cast<size_t>(value.id())];
  if (!fx_node)
    throw Error("value %" + std::to_string(value.id()) + " is used before it is computed", ErrorCode::kInternalError);
  return fx_node;
}

py::object FxBuilder::output(const GraphOutput& output) {
  annotations_ = py::dict();
  if (!module_stacks_.empty()) annotations_["nn_module_stack"] = module_stacks_.front().attr("copy")();
  return output.value != nullptr ? node(*output.value) : fx_constant(output.literal, references_);
}

py::object FxBuilder::describe(const Value& value, bool requires_grad) {
  if (value.is_tensor()) return values_.tensor(value.tensor(), requires_grad);
  // As it was made, not as what it has turned out to be: this node is where the symbol comes from.
  const auto declared = symbol_behind(value.scalar());
  const auto expression = declared ? symbolic::Expression::of(*declared) : symbolic_expression(value.scalar());
  return expression ? values_.number(*expression) : torch::jit::toPyObject(value.scalar());
}

void FxBuilder::define(const Value& value, const py::object& fx_node) {
  nodes_[static_cast<size_t>(value.id())] = fx_node;
  for_each_bound_symbol(value, [&](const SymbolBinding& binding) {
    if (!sourced_symbols_.insert(binding.symbol.id).second) return;
    const py::object axis = binding.axis < 0 ? py::object(py::none()) : py::int_(binding.axis);
    symbol_source_(symbolic::Expression::of(binding.symbol), fx_node, axis);
  });
}

/// A value that nobody reads may still be where a data-dependent size comes from.
bool FxBuilder::is_needed(const Value& value) const {
  if (used_[static_cast<size_t>(value.id())] || !value.is_tensor()) return true;
  return std::ranges::any_of(value.tensor().sizes, [&](const c10::SymInt& size) {
    const auto symbol = symbolic::symbol_behind(size);
    return symbol && !symbol->backed && !sourced_symbols_.contains(symbol->id);
  });
}

py::object FxBuilder::operator_of(const c10::OperatorHandle& op) {
  py::object& cached = operators_[op];
  if (!cached) cached = find_operator_(op.operator_name().name, op.operator_name().overload_name);
  return cached;
}

py::dict FxBuilder::annotations(const Location& where) const {
  py::dict meta;
  const py::object stack = stacks_.of(where);
  if (!stack.is_none()) meta["stack_trace"] = stack;
  if (where.module_frame >= 0) {
    meta["nn_module_stack"] = module_stacks_[static_cast<size_t>(where.module_frame)].attr("copy")();
  }
  return meta;
}

/// `meta["val"]` in the shape of what the operator returns: nothing, one value, or a tuple of values and lists.
py::object FxBuilder::describe(const Node& node) {
  size_t next = 0;
  const auto describe_next = [&]() -> py::object {
    const Value* value = node.outputs()[next++];
    return value == nullptr ? py::none() : describe(*value, /*requires_grad=*/false);
  };
  const auto returns = node.returns();
  py::tuple all(returns.size());
  for (size_t i = 0; i < returns.size(); ++i) {
    if (!returns[i]) {
      all[i] = describe_next();
      continue;
    }
    py::list list(*returns[i]);
    for (size_t j = 0; j < *returns[i]; ++j) list[j] = describe_next();
    all[i] = list;
  }
  if (returns.empty()) return py::none();
  return returns.size() == 1 ? py::object(all[0]) : py::object(all);
}

void FxBuilder::define_item(const Value& value, const py::object& container, size_t index,
                            const py::object& described) {
  py::dict meta(annotations_.attr("copy")());
  meta["val"] = described;
  define(value, call_(getitem_, "getitem", py::make_tuple(container, index), py::dict(), meta));
}

void FxBuilder::define_outputs(const Node& node, const py::object& fx_node, const py::object& described) {
  const auto returns = node.returns();
  if (returns.size() != 1) return define_items(node, fx_node, described, 0);
  if (!returns[0]) {
    if (node.outputs()[0] != nullptr) define(*node.outputs()[0], fx_node);
    return;
  }
  for (size_t i = 0; i < *returns[0]; ++i) {
    const Value* value = node.outputs()[i];
    if (value != nullptr && is_needed(*value)) define_item(*value, fx_node, i, described[py::int_(i)]);
  }
}

void FxBuilder::define_items(const Node& node, const py::object& fx_node, const py::object& described, size_t first) {
  const auto returns = node.returns();
  size_t next = 0;
  for (size_t i = 0; i < returns.size(); ++i) {
    const py::object item = described[py::int_(first + i)];
    if (!returns[i]) {
      const Value* value = node.outputs()[next++];
      if (value != nullptr && is_needed(*value)) define_item(*value, fx_node, first + i, item);
      continue;
    }
    py::dict meta(annotations_.attr("copy")());
    meta["val"] = item;
    const py::object list = call_(getitem_, "getitem", py::make_tuple(fx_node, first + i), py::dict(), meta);
    for (size_t j = 0; j < *returns[i]; ++j) {
      const Value* value = node.outputs()[next++];
      if (value != nullptr && is_needed(*value)) define_item(*value, list, j, item[py::int_(j)]);
    }
  }
}

/// Operators that write to copies of arguments: `auto_functionalized` is PyTorch's word for that. It gives what the
/// operator returns (None where that is nothing), then the copies.
void FxBuilder::add_writing_call(const Node& node) {
  const size_t returned = node.op().schema().returns().size();
  const FxArguments arguments = fx_arguments(node, references_);
  py::dict named(arguments.kwargs);
  for (size_t i = 0; i < arguments.args.size(); ++i) {
    named[py::str(node.op().schema().arguments()[i].name())] = arguments.args[i];
  }
  py::list described;
  if (returned == 0) described.append(py::none());
  const py::object values = describe(node);
  if (node.returns().size() == 1) {
    described.append(values);
  } else {
    for (const py::handle value : values) described.append(value);
  }
  py::dict meta(annotations_.attr("copy")());
  meta["val"] = py::tuple(described);
  const py::object target = writer_.attr("higher_order")("auto_functionalized");
  const py::object call = call_(target, "auto_functionalized", py::make_tuple(operator_of(node.op())), named, meta);
  define_items(node, call, meta["val"], returned == 0 ? 1 : 0);
}

py::object FxBuilder::module_of(const std::shared_ptr<Graph>& subgraph, std::span<const symbolic::Symbol> symbols,
                                bool returns_tuple) const {
  const py::object writer = writer_.attr("nested")();
  FxBuilder builder(subgraph, writer);
  for (const GraphInput& input : subgraph->inputs()) {
    const py::object described = builder.value(*input.value, /*requires_grad=*/false);
    builder.define(*input.value, writer.attr("placeholder")(input.name, described));
  }
  for (const symbolic::Symbol& symbol : symbols) {
    const auto expression = symbolic::Expression::of(symbol);
    const py::object node = writer.attr("placeholder")(symbol.name, builder.values_.number(expression));
    builder.symbol_source_(expression, node, py::none());
    builder.sourced_symbols_.insert(symbol.id);
  }
  builder.add_nodes(py::none());
  py::tuple results(subgraph->outputs().size());
  for (size_t i = 0; i < results.size(); ++i) results[i] = builder.output(subgraph->outputs()[i]);
  writer.attr("output")(returns_tuple ? py::object(results) : py::object(results[0]));
  return writer.attr("module")();
}

void FxBuilder::add_control_flow(const Node& node) {
  const std::vector<symbolic::Symbol> symbols = symbols_from_around(node);
  py::list modules, numbers;
  for (const auto& subgraph : node.subgraphs()) {
    const bool is_condition = node.op() == control_flow::while_loop() && modules.empty();
    modules.append(module_of(subgraph, symbols, /*returns_tuple=*/!is_condition));
  }
  for (const symbolic::Symbol& symbol : symbols) {
    numbers.append(symbolic_node_(symbolic::Expression::of(symbol), annotations_));
  }
  py::dict meta(annotations_.attr("copy")());
  meta["val"] = py::tuple(describe(node));
  const std::string& name = node.op().operator_name().name;
  const py::object call = writer_.attr("control_flow")(name.substr(name.find("::") + 2), modules,
                                                       fx_arguments(node, references_).args, numbers, meta);
  define_outputs(node, call, meta["val"]);
}

void FxBuilder::add(const Node& node) {
  annotations_ = annotations(node.where());
  if (!node.subgraphs().empty()) return add_control_flow(node);
  if (node.op().schema().is_mutable()) return add_writing_call(node);
  const FxArguments arguments = fx_arguments(node, references_);
  const py::object described = describe(node);
  py::dict meta(annotations_.attr("copy")());
  meta["val"] = described;
  const std::string& name = node.op().operator_name().name;
  const std::string base = name.substr(name.find("::") + 2);
  define_outputs(node, call_(operator_of(node.op()), base, arguments.args, arguments.kwargs, meta), described);
}

void FxBuilder::add_nodes(const py::object& note) {
  for (const Node& node : graph_->nodes()) {
    add(node);
    if (!note.is_none()) note(py::cast(&node, py::return_value_policy::reference));
  }
}

}  // namespace tracejet::python
