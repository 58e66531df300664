#include "capture/subgraph_recorder.h"

#include <algorithm>

#include <ATen/ops/clone.h>

#include "base/error.h"
#include "ir/passes/dead_nodes.h"
#include "ops/shape/shape.h"
#include "symbolic/asker.h"

namespace tracejet {

namespace {

/// Whether it may be the memory of another value: of an input, or of what a view shows.
bool may_alias(const Value& value) {
  const Node* node = value.producer();
  if (node == nullptr) return true;
  return std::ranges::any_of(node->op().schema().returns(),
                             [](const c10::Argument& result) { return result.alias_info() != nullptr; });
}

std::vector<at::Tensor> run_of_model(const Body& body, const std::vector<at::Tensor>& operands) {
  const symbolic::AskedBy asked(symbolic::Asker::kCaller);
  return body(operands);
}

}  // namespace

const Value& SubgraphRecorder::unshared_result(const at::Tensor& result, const std::vector<const Value*>& others) {
  const at::Tensor lifted = lifting_.lift(result);
  const Value& value = scopes_.current_value(lifted);
  const bool is_own = !may_alias(value) && std::ranges::find(others, &value) == others.end();
  if (is_own && shape::is_contiguous(value.tensor())) return value;
  return scopes_.current_value(at::clone(lifted, c10::MemoryFormat::Contiguous));
}

void SubgraphRecorder::refuse_writes_to_outside(std::span<const at::Tensor> operands,
                                                std::span<const Value* const> values) {
  const auto refuse = [](const Value& written) {
    throw UnsupportedOperator("a branch or loop body of control flow writes in place to " + written.tensor().str() +
                                  ", which comes from outside of it; write to a clone, and return the new value",
                              ErrorCode::kControlFlow);
  };
  for (size_t i = 0; i < operands.size(); ++i) {
    if (&scopes_.current_value(operands[i]) != values[i]) refuse(*values[i]);
  }
  for (const auto& [impl, lifted] : scopes_.at_hand().lifted) {
    if (&scopes_.current_value(lifted.stand_in) != lifted.value) refuse(*lifted.value);
  }
}

Subgraph SubgraphRecorder::record(const Body& body, std::span<const TensorMeta> operands,
                                  std::span<const Value* const> captured, symbolic::Context::Runs runs) {
  const SubgraphScope scope(scopes_);
  const std::shared_ptr<Graph> graph = scopes_.graph();
  std::vector<at::Tensor> arguments;
  std::vector<const Value*> inputs;
  for (const TensorMeta& operand : operands) {
    const std::string name = "operand_" + std::to_string(inputs.size());
    inputs.push_back(graph->add_input(GraphInput::Kind::kUser, operand, name));
    arguments.push_back(scopes_.make_functional(*inputs.back()));
  }
  for (const Value* outer : captured) lifting_.capture(*outer);

  symbolic::Context::Branch branch(scopes_.shapes(), runs);
  const size_t symbols_around = scopes_.shapes().symbols().size();
  std::vector<const Value*> results;
  std::vector<at::Tensor> given = run_of_model(body, arguments);
  for (at::Tensor& result : given) result = lifting_.lift(result);
  for (const at::Tensor& result : given) results.push_back(&unshared_result(result, results));
  refuse_writes_to_outside(arguments, inputs);
  std::vector<std::pair<at::Tensor, at::Tensor>> outside;
  for (const auto& [impl, lifted] : scopes_.at_hand().lifted) outside.emplace_back(lifted.real, lifted.stand_in);
  const std::string around = "the code around a branch or loop body in it";
  for (const at::Tensor& result : given) aliases_.check_content(result, "a result of a branch or loop body in it");
  for (const at::Tensor& argument : arguments) aliases_.check_content(argument, around);
  for (const auto& [tensor, inside] : outside) aliases_.check_content(inside, around);
  aliases_.add_subgraph(*graph, given, arguments, outside);
  guards_.add_assertions_of_subgraph(branch.close(), symbols_around);

  for (const Value* result : results) graph->add_output({GraphOutput::Kind::kUser, result, {}, 0});
  eliminate_dead_nodes(*graph);
  return {graph, std::move(scopes_.at_hand().captured)};
}

std::vector<at::Tensor> SubgraphRecorder::record_call(const c10::OperatorHandle& op, std::vector<Argument> arguments,
                                                      std::vector<TensorMeta> results,
                                                      std::vector<std::shared_ptr<Graph>> subgraphs) {
  const Node& node = scopes_.graph()->add_node(op, std::move(arguments), {OutputMeta(std::move(results))},
                                               locations_.current(), std::move(subgraphs));
  std::vector<at::Tensor> tensors;
  for (const Value* output : node.outputs()) tensors.push_back(scopes_.make_functional(*output));
  return tensors;
}

Body SubgraphRecorder::body_of_loop(Body body) {
  has_loops_of_model_ = true;
  if (runs_of_bodies_ == 1) return body;
  return [body = std::move(body), runs = runs_of_bodies_](const std::vector<at::Tensor>& operands) {
    for (int before = 1; before < runs; ++before) body(operands);
    return body(operands);
  };
}

}  // namespace tracejet
