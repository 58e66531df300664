#include "io/pt2/graph_reader.h"

#include <algorithm>

#include "ir/call.h"
#include "ir/control_flow.h"
#include "ir/symbolic_constant.h"
#include "symbolic/sym_node.h"

namespace tracejet::pt2 {

namespace {

using symbolic::Expression;

constexpr std::string_view kOperatorPrefix = "torch.ops.", kHigherOrderPrefix = "torch.ops.higher_order.";

/// Of "torch.ops.aten.add.Tensor".
c10::OperatorHandle find_operator(const Field& where, const std::string& target) {
  const std::string path = target.substr(std::min(target.size(), kOperatorPrefix.size()));
  const size_t space = path.find('.'), overload = path.rfind('.');
  if (!target.starts_with(kOperatorPrefix) || space == std::string::npos || overload <= space) {
    where.fail("expected the name of an operator, got " + target.substr(0, 80));
  }
  const std::string name = path.substr(0, space) + "::" + path.substr(space + 1, overload - space - 1);
  const std::string last = path.substr(overload + 1);
  const auto found = c10::Dispatcher::singleton().findSchema({name, last == "default" ? "" : last});
  if (found) return *found;
  throw UnsupportedOperator("the program calls " + name.substr(0, 80) + "." + last.substr(0, 40) +
                                ", which isn't known here; load the library that registers it",
                            ErrorCode::kFileContent);
}

Expression number_of(const c10::IValue& scalar) {
  if (const auto known = symbolic_expression(scalar)) return *known;
  if (scalar.isDouble()) return Expression::real(scalar.toDouble());
  return scalar.isBool() ? Expression::truth(scalar.toBool()) : Expression(scalar.toInt());
}

/// Normalizations in training write to running statistics, of which their schemas say nothing.
bool updates_statistics(const Node& node) {
  const Call call(node);
  if (!call.declares("running_mean") || call.optional_value("running_mean") == nullptr) return false;
  const char* const in_training = call.declares("training") ? "training" : "use_input_stats";
  return call.declares(in_training) && call.flag(in_training);
}

}  // namespace

GraphReader::GraphReader(const Field& json, FileSymbols& symbols, std::shared_ptr<Graph> graph)
    : json_(json), symbols_(symbols), graph_(std::move(graph)) {}

// Names -------------------------------------------------------------------------------------------------------------

void GraphReader::define(const Field& where, const std::string& name, Named named) {
  if (!names_.emplace(name, std::move(named)).second) where.fail("there are two values named " + name.substr(0, 80));
}

const Named& GraphReader::find(const Field& where, const std::string& name) const {
  const auto found = names_.find(name);
  if (found == names_.end()) where.fail("nothing before it gives " + name.substr(0, 80));
  return found->second;
}

TensorMeta GraphReader::meta(const Field& tensor_argument) const {
  const Field name = tensor_argument["name"];
  const Field metas = json_["tensor_values"];
  if (!metas.has(name.string().c_str())) name.fail("nothing says what " + name.string().substr(0, 80) + " is like");
  return symbols_.tensor(metas[name.string().c_str()]);
}

const Value& GraphReader::value(const Field& tensor_argument) const {
  const Field name = tensor_argument["name"];
  const auto* value = std::get_if<const Value*>(&find(name, name.string()));
  if (value == nullptr) name.fail("expected a tensor, and " + name.string().substr(0, 80) + " is a number");
  return **value;
}

// Where nodes come from ---------------------------------------------------------------------------------------------

Location GraphReader::location(const Field& node) {
  Location where;
  const Field metadata = node["metadata"];
  if (metadata.has("stack_trace")) {
    const std::string& text = metadata["stack_trace"].string();
    auto& shared = stacks_[text];
    if (shared == nullptr) shared = std::make_shared<const std::string>(text);
    where.text = shared;
  }
  if (!metadata.has("nn_module_stack")) return where;
  // "key,path,type" of each module, outermost first.
  const std::string_view text = metadata["nn_module_stack"].string();
  int32_t parent = -1;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(';', begin), text.size());
    const std::string_view module = text.substr(begin, end - begin);
    const auto [known, is_new] = frames_.emplace(std::to_string(parent) + "," + std::string(module), 0);
    if (is_new) {
      const size_t path = module.find(','), type = path == module.npos ? path : module.find(',', path + 1);
      if (type == module.npos) metadata["nn_module_stack"].fail("expected a key, a path and a type");
      known->second = graph_->add_module_frame(
          {std::string(module.substr(path + 1, type - path - 1)), std::string(module.substr(type + 1)), parent});
    }
    parent = known->second;
    begin = end + 1;
  }
  where.module_frame = parent;
  return where;
}

// Nodes -------------------------------------------------------------------------------------------------------------

void GraphReader::read_nodes() {
  json_["nodes"].for_each([&](const Field& node) { read(node); });
}

void GraphReader::read(const Field& node) {
  const std::string& target = node["target"].string();
  if (target == "torch.ops.aten.sym_size.int") return read_size(node);
  if (target == "torch.ops.higher_order.auto_functionalized") return read_writing_call(node);
  if (target.starts_with(kHigherOrderPrefix)) return read_control_flow(node, target.substr(kHigherOrderPrefix.size()));
  if (!target.starts_with(kOperatorPrefix)) return read_number(node, target);
  const c10::OperatorHandle op = find_operator(node["target"], target);
  if (target == "torch.ops.aten._assert_scalar.default") return read_assertion(node, op);
  read_call(node, op);
}

OutputMeta GraphReader::output_meta(const Field& output) const {
  const auto [kind, value] = output.variant();
  if (kind == "as_none") return std::monostate();
  if (kind == "as_tensor") return meta(value);
  if (kind == "as_tensors") {
    std::vector<TensorMeta> metas;
    value.for_each([&](const Field& item) { metas.push_back(meta(item)); });
    return metas;
  }
  const char* values = kind == "as_sym_int"     ? "sym_int_values"
                       : kind == "as_sym_float" ? "sym_float_values"
                       : kind == "as_sym_bool"  ? "sym_bool_values"
                                                : nullptr;
  if (values == nullptr) output.fail("expected tensors or a number, got " + kind);
  return symbols_.scalar(symbols_.number(json_[values][value["as_name"].string().c_str()]));
}

void GraphReader::define_outputs(std::span<const Field> outputs, const Node& node) {
  size_t next = 0;
  for (const Field& output : outputs) {
    const auto [kind, result] = output.variant();
    if (kind == "as_none") {
      ++next;
    } else if (kind == "as_tensors") {
      result.for_each([&](const Field& item) { define(item, item["name"].string(), node.outputs()[next++]); });
    } else if (kind == "as_tensor") {
      define(output, result["name"].string(), node.outputs()[next++]);
    } else {
      define(output, result["as_name"].string(), number_of(node.outputs()[next++]->scalar()));
    }
  }
}

void GraphReader::read_call(const Field& node, const c10::OperatorHandle& op) {
  std::vector<Argument> arguments = arguments_of(node, op, /*skipped=*/0);
  const std::vector<Field> outputs = node["outputs"].elements();
  if (outputs.size() != op.schema().returns().size()) {
    node["outputs"].fail(toString(op.operator_name()) + " gives " + std::to_string(op.schema().returns().size()) +
                         " results, not " + std::to_string(outputs.size()));
  }
  std::vector<OutputMeta> metas;
  for (const Field& output : outputs) metas.push_back(output_meta(output));
  const Node& added = graph_->add_node(op, std::move(arguments), std::move(metas), location(node));
  writes_in_place_ |= op.schema().is_mutable() || updates_statistics(added);
  define_outputs(outputs, added);
}

/// A call that writes to copies of its arguments: its outputs are what it returns (None for nothing), then the copies.
void GraphReader::read_writing_call(const Field& node) {
  const std::vector<Field> inputs = node["inputs"].elements();
  if (inputs.empty()) node.fail("expected an operator");
  const Field target = inputs[0]["arg"]["as_operator"];
  const c10::OperatorHandle op = find_operator(target, target.string());
  std::vector<Argument> arguments = arguments_of(node, op, /*skipped=*/1);
  std::vector<Field> outputs = node["outputs"].elements();
  if (op.schema().returns().empty() && !outputs.empty()) outputs.erase(outputs.begin());
  std::vector<OutputMeta> metas;
  for (const Field& output : outputs) metas.push_back(output_meta(output));
  define_outputs(outputs, graph_->add_node(op, std::move(arguments), std::move(metas), location(node)));
}

}  // namespace tracejet::pt2
