#include "bindings/fx_builder.h"

#include <algorithm>

#include <torch/csrc/jit/python/pybind_utils.h>

#include "support/error.h"

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
  if (!fx_node) throw Error("value %" + std::to_string(value.id()) + " is used before it is computed");
  return fx_node;
}

py::object FxBuilder::output(const GraphOutput& output) {
  annotations_ = py::dict();
  if (!module_stacks_.empty()) annotations_["nn_module_stack"] = module_stacks_.front().attr("copy")();
  return output.value != nullptr ? node(*output.value) : fx_constant(output.literal, references_);
}

py::object FxBuilder::describe(const Value& value, bool requires_grad) {
  if (value.is_tensor()) return values_.tensor(value.tensor(), requires_grad);
  const auto expression = expression_of(value.scalar());
  return expression ? values_.number(*expression) : torch::jit::toPyObject(value.scalar());
}

void FxBuilder::note_symbol(const c10::IValue& number, const py::object& fx_node, const py::object& axis) {
  const auto expression = expression_of(number);
  if (!expression || expression->kind() != symbolic::Kind::kSymbol) return;
  if (sourced_symbols_.insert(expression->symbol().id).second) symbol_source_(*expression, fx_node, axis);
}

void FxBuilder::define(const Value& value, const py::object& fx_node) {
  nodes_[static_cast<size_t>(value.id())] = fx_node;
  if (!value.is_tensor()) return note_symbol(value.scalar(), fx_node, py::none());
  const TensorMeta& meta = value.tensor();
  for (size_t axis = 0; axis < meta.sizes.size(); ++axis) {
    if (meta.sizes[axis].is_symbolic()) note_symbol(meta.sizes[axis], fx_node, py::int_(axis));
  }
}

/// A value that nobody reads may still be where a data-dependent size comes from.
bool FxBuilder::is_needed(const Value& value) const {
  if (used_[static_cast<size_t>(value.id())] || !value.is_tensor()) return true;
  return std::ranges::any_of(value.tensor().sizes, [&](const c10::SymInt& size) {
    const auto expression = expression_of(size);
    return expression && expression->kind() == symbolic::Kind::kSymbol && !expression->symbol().backed &&
           !sourced_symbols_.contains(expression->symbol().id);
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
  size_t next = 0;
  const auto define_list = [&](size_t count, const py::object& list, const py::object& items) {
    for (size_t i = 0; i < count; ++i) {
      const Value* value = node.outputs()[next++];
      if (value != nullptr && is_needed(*value)) define_item(*value, list, i, items[py::int_(i)]);
    }
  };
  if (returns.size() == 1) {
    if (returns[0]) return define_list(*returns[0], fx_node, described);
    if (node.outputs()[0] != nullptr) define(*node.outputs()[0], fx_node);
    return;
  }
  for (size_t i = 0; i < returns.size(); ++i) {
    const py::object item = described[py::int_(i)];
    if (returns[i]) {
      py::dict meta(annotations_.attr("copy")());
      meta["val"] = item;
      define_list(*returns[i], call_(getitem_, "getitem", py::make_tuple(fx_node, i), py::dict(), meta), item);
      continue;
    }
    const Value* value = node.outputs()[next++];
    if (value != nullptr && is_needed(*value)) define_item(*value, fx_node, i, item);
  }
}

void FxBuilder::add(const Node& node) {
  annotations_ = annotations(node.where());
  const FxArguments arguments = fx_arguments(node, references_);
  const py::object described = describe(node);
  py::dict meta(annotations_.attr("copy")());
  meta["val"] = described;
  const std::string& name = node.op().operator_name().name;
  const std::string base = name.substr(name.find("::") + 2);
  define_outputs(node, call_(operator_of(node.op()), base, arguments.args, arguments.kwargs, meta), described);
}

void FxBuilder::add_nodes() {
  for (const Node& node : graph_->nodes()) add(node);
}

}  // namespace tracejet::python
