// Operators of control flow, and the graphs that they run.
#include "io/pt2/graph_reader.h"
#include "ir/control_flow.h"

namespace tracejet::pt2 {

using symbolic::Expression;

namespace {

constexpr int kMaxDepth = 32;

}  // namespace

std::vector<Named> GraphReader::operands_of(const Field& argument) const {
  const auto [kind, list] = argument.variant();
  std::vector<Named> operands;
  list.for_each([&](const Field& item) {
    if (kind == "as_tensors") {
      operands.push_back(find(item, item["name"].string()));
    } else if (kind == "as_sym_ints" && item.has("as_name")) {
      operands.push_back(find(item, item["as_name"].string()));
    } else if (kind == "as_sym_ints" || kind == "as_ints") {
      operands.emplace_back(Expression(kind == "as_ints" ? item.integer() : item["as_int"].integer()));
    } else {
      argument.fail("expected tensors and sizes, got " + kind);
    }
  });
  return operands;
}

std::shared_ptr<Graph> GraphReader::read_subgraph(const Field& argument, const std::vector<Named>& operands) {
  const Field json = argument["as_graph"]["graph"];
  GraphReader reader(json, symbols_, graph_->make_subgraph());
  reader.depth_ = depth_ + 1;
  if (reader.depth_ > kMaxDepth) json.fail("control flow is nested too deeply");
  const std::vector<Field> inputs = json["inputs"].elements();
  if (inputs.size() != operands.size()) {
    json["inputs"].fail("expected " + std::to_string(operands.size()) + " inputs, got " +
                        std::to_string(inputs.size()));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto [kind, input] = inputs[i].variant();
    const auto* number = std::get_if<Expression>(&operands[i]);
    if (kind == "as_tensor" && number == nullptr) {
      const std::string& name = input["name"].string();
      reader.define(input, name, reader.graph_->add_input(GraphInput::Kind::kUser, reader.meta(input), name));
    } else if (kind == "as_sym_int" && number != nullptr) {
      reader.define(input, input["as_name"].string(), *number);
    } else {
      inputs[i].fail("it isn't what the operand is");
    }
  }
  reader.read_nodes();
  writes_in_place_ |= reader.writes_in_place_;
  json["outputs"].for_each([&](const Field& output) {
    if (!output.has("as_tensor")) {
      throw UnsupportedOperator("control flow of the program gives something else than tensors",
                                ErrorCode::kFileContent);
    }
    reader.graph_->add_output({GraphOutput::Kind::kUser, &reader.value(output["as_tensor"]), {}});
  });
  return reader.graph_;
}

void GraphReader::read_control_flow(const Field& node, const std::string& name) {
  const bool is_cond = name == "cond";
  const size_t subgraphs = is_cond || name == "while_loop" ? 2 : 1;
  const auto op = c10::Dispatcher::singleton().findSchema({"higher_order::" + name, ""});
  if (!op) {
    throw UnsupportedOperator(
        "the program calls torch.ops.higher_order." + name.substr(0, 80) + ", which isn't known here",
        ErrorCode::kFileContent);
  }
  const std::vector<Field> inputs = node["inputs"].elements();
  const size_t first = is_cond ? 1 : 0, lists = op->schema().arguments().size() - first;
  if (inputs.size() != first + subgraphs + lists) node["inputs"].fail("expected other operands of " + name);
  std::vector<Argument> arguments;
  if (is_cond) arguments.emplace_back(&value(inputs[0]["arg"]["as_tensor"]));
  std::vector<Named> operands;
  for (size_t i = 0; i < lists; ++i) {
    const Field list = inputs[first + subgraphs + i]["arg"];
    std::vector<const Value*> values;
    for (Named& operand : operands_of(list)) {
      if (const auto* value = std::get_if<const Value*>(&operand)) {
        values.push_back(*value);
      } else if (i + 1 < lists) {
        throw UnsupportedOperator("the program's " + name + " carries a number, which isn't known here",
                                  ErrorCode::kFileContent);
      }
      operands.push_back(std::move(operand));
    }
    arguments.emplace_back(std::move(values));
  }
  std::vector<std::shared_ptr<Graph>> graphs;
  for (size_t i = 0; i < subgraphs; ++i) graphs.push_back(read_subgraph(inputs[first + i]["arg"], operands));
  const std::vector<Field> outputs = node["outputs"].elements();
  std::vector<TensorMeta> metas;
  for (const Field& output : outputs) metas.push_back(meta(output["as_tensor"]));
  const Node& made = graph_->add_node(*op, std::move(arguments), {std::move(metas)}, location(node), std::move(graphs));
  define_outputs(outputs, made);
}

}  // namespace tracejet::pt2
