// Records what control flow runs (a branch, the body of a loop) as a graph of its own.
#include <algorithm>
#include <unordered_set>

#include <ATen/FunctionalTensorWrapper.h>
#include <ATen/ops/clone.h>

#include "base/error.h"
#include "capture/subgraph_scope.h"
#include "capture/traced_tensor.h"
#include "capture/tracer.h"
#include "ir/passes/dead_nodes.h"
#include "ir/size_expression.h"
#include "ops/shape/shape.h"
#include "symbolic/asker.h"
#include "symbolic/guard.h"

namespace tracejet {

/// While it lives, calls are recorded into the graph around the subgraph at hand.
class Tracer::ParentScope {
 public:
  explicit ParentScope(Tracer& tracer) : tracer_(tracer) { --tracer.depth_; }
  ParentScope(const ParentScope&) = delete;
  ParentScope& operator=(const ParentScope&) = delete;
  ~ParentScope() { ++tracer_.depth_; }

 private:
  Tracer& tracer_;
};

bool Tracer::is_from_around(const at::Tensor& tensor) const {
  if (depth_ == 0 || !tensor.defined() || !tensor.key_set().has(c10::DispatchKey::Functionalize)) return false;
  const TracedTensor* traced = as_traced(at::functionalization::impl::from_functional_tensor(tensor));
  return traced != nullptr && traced->graph() != graph();
}

Tracer::Lifted& Tracer::bring_in(const at::Tensor& tensor) {
  const Value* outer = nullptr;
  {
    const ParentScope around(*this);  // where writes that are still to be applied to it belong
    outer = &value_of(tensor);
  }
  const Value& value = capture(*outer);
  const Lifted lifted{tensor, make_functional(value), &value};
  return scopes_[depth_].lifted.emplace(tensor.unsafeGetTensorImpl(), lifted).first->second;
}

const Value& Tracer::capture(const Value& outer) {
  Scope& scope = scopes_[depth_];
  const auto [found, is_new] = scope.inputs.try_emplace(&outer, nullptr);
  if (is_new) {
    const std::string name = "captured_" + std::to_string(scope.captured.size());
    found->second = scope.graph->add_input(GraphInput::Kind::kUser, outer.tensor(), name);
    scope.captured.push_back(&outer);
    if (const auto data = constants_.of(outer)) constants_.add(*found->second, *data);
  }
  return *found->second;
}

const Value& Tracer::capture_from_program(const Value& value) {
  if (depth_ == 0) return value;
  const Value* outer = nullptr;
  {
    const ParentScope around(*this);
    outer = &capture_from_program(value);
  }
  return capture(*outer);
}

namespace {

/// Whether it may be the memory of another value: of an input, or of what a view shows.
bool may_share_memory(const Value& value) {
  const Node* node = value.producer();
  if (node == nullptr) return true;
  return std::ranges::any_of(node->op().schema().returns(),
                             [](const c10::Argument& result) { return result.alias_info() != nullptr; });
}

}  // namespace

const Value& Tracer::unshared_result(const at::Tensor& result, const std::vector<const Value*>& others) {
  const at::Tensor lifted = lift(result);
  const Value& value = current_value(lifted);
  const bool is_own = !may_share_memory(value) && std::ranges::find(others, &value) == others.end();
  if (is_own && shape::is_contiguous(value.tensor())) return value;
  return current_value(at::clone(lifted, c10::MemoryFormat::Contiguous));
}

void Tracer::refuse_writes_to_outside(std::span<const at::Tensor> operands, std::span<const Value* const> values) {
  const auto refuse = [](const Value& written) {
    throw UnsupportedOperator("a branch or loop body of control flow writes in place to " + written.tensor().str() +
                              ", which comes from outside of it; write to a clone, and return the new value");
  };
  for (size_t i = 0; i < operands.size(); ++i) {
    if (&current_value(operands[i]) != values[i]) refuse(*values[i]);
  }
  for (const auto& [impl, lifted] : scopes_[depth_].lifted) {
    if (&current_value(lifted.stand_in) != lifted.value) refuse(*lifted.value);
  }
}

/// What a branch or loop body relies on is checked where it runs, and nowhere else.
void Tracer::add_assertions_of_branch(std::vector<symbolic::Guard> assertions, size_t first_symbol) {
  std::unordered_set<uint64_t> from_around;
  for (const symbolic::Symbol& symbol : shapes().symbols().first(first_symbol)) from_around.insert(symbol.id);
  std::unordered_set<uint64_t> indices;
  for (const size_t index : guards_of_indices_) {
    const symbolic::Condition& known = shapes().guards()[index].condition;
    std::erase_if(assertions, [&](const symbolic::Guard& guard) { return guard.condition == known; });
    for (const symbolic::Symbol& symbol : symbolic::symbols_of(known)) {
      if (!symbol.backed) indices.insert(symbol.id);
    }
  }
  for (auto guard = assertions.rbegin(); guard != assertions.rend(); ++guard) {
    for (const symbolic::Symbol& symbol : symbolic::symbols_of(guard->condition)) {
      if (!indices.contains(symbol.id)) continue;
      throw UnsupportedOperator("what the body of a loop does depends on the number of its iteration: " +
                                guard->condition.str());
    }
    add_assertion(*graph(), guard->condition, *guard, symbol_axes_, from_around);
  }
}

namespace {

std::vector<at::Tensor> run_of_model(const Body& body, const std::vector<at::Tensor>& operands) {
  const symbolic::AskedBy asked(symbolic::Asker::kCaller);
  return body(operands);
}

}  // namespace

Subgraph Tracer::record_subgraph(const Body& body, std::span<const TensorMeta> operands,
                                 std::span<const Value* const> captured) {
  const SubgraphScope nesting(*this);
  std::vector<at::Tensor> arguments;
  std::vector<const Value*> inputs;
  for (const TensorMeta& operand : operands) {
    const std::string name = "operand_" + std::to_string(inputs.size());
    inputs.push_back(graph()->add_input(GraphInput::Kind::kUser, operand, name));
    arguments.push_back(make_functional(*inputs.back()));
  }
  for (const Value* outer : captured) capture(*outer);

  symbolic::Context::Branch branch(shapes());
  const size_t first_symbol = shapes().symbols().size();
  std::vector<const Value*> results;
  for (const at::Tensor& result : run_of_model(body, arguments)) results.push_back(&unshared_result(result, results));
  refuse_writes_to_outside(arguments, inputs);
  add_assertions_of_branch(branch.close(), first_symbol);

  for (const Value* result : results) graph()->add_output({GraphOutput::Kind::kUser, result, {}, 0});
  eliminate_dead_nodes(*graph());
  return {graph(), std::move(scopes_[depth_].captured)};
}

void Tracer::know_index(const c10::SymInt& index, const c10::SymInt& count) {
  const symbolic::Expression number = expression_of(index);
  for (const symbolic::Condition& holds :
       {symbolic::less_equal(0, number), symbolic::less(number, expression_of(count))}) {
    const size_t guard = shapes().guards().size();
    shapes().expect(holds);
    if (shapes().guards().size() > guard) guards_of_indices_.insert(guard);
  }
}

std::vector<at::Tensor> Tracer::record_control_flow(const c10::OperatorHandle& op, std::vector<Argument> arguments,
                                                    std::vector<TensorMeta> results,
                                                    std::vector<std::shared_ptr<Graph>> subgraphs) {
  const Node& node =
      graph()->add_node(op, std::move(arguments), {OutputMeta(std::move(results))}, location(), std::move(subgraphs));
  std::vector<at::Tensor> tensors;
  for (const Value* output : node.outputs()) tensors.push_back(make_functional(*output));
  return tensors;
}

}  // namespace tracejet
