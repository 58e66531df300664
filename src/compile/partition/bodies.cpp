#include "compile/partition/bodies.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "compile/memory_use.h"
#include "compile/partition/torch_executed.h"
#include "compile/prepare.h"
#include "compile/size_assertions.h"
#include "ir/copy.h"
#include "ir/symbol_binding.h"

namespace tracejet {

namespace {

/// The weights among what a body takes, by its inputs. Only the operands that every run gets alike can be weights:
/// those that come last, in its inputs as in the node's arguments.
std::vector<at::Tensor> weights_of(const Graph& around, const Node& node, const Graph& body) {
  const RuntimeInputs given = runtime_inputs_of(around);
  std::unordered_map<const Value*, at::Tensor> weights;
  for (size_t i = 0; i < around.inputs().size(); ++i) {
    const GraphInput& input = around.inputs()[i];
    if (input.value != nullptr && std::ranges::find(given, i) == given.end()) weights.emplace(input.value, input.data);
  }
  std::vector<at::Tensor> data(body.inputs().size());
  const auto& operands = std::get<std::vector<const Value*>>(node.arguments().back());
  for (size_t i = 0; i < operands.size(); ++i) {
    if (const auto weight = weights.find(operands[i]); weight != weights.end())
      data[data.size() - operands.size() + i] = weight->second;
  }
  return data;
}

/// A body that engines have made ready. It does for it what the program's runner does for a program.
class BodyExecutable final : public Executable {
 public:
  BodyExecutable(std::shared_ptr<const Graph> body, const RuntimeInputs& inputs,
                 std::shared_ptr<const Executable> executable)
      : body_(std::move(body)), inputs_(inputs), executable_(std::move(executable)) {
    assertions_ = size_assertions(*body_, executable_->takes_ranks_from_data());
  }

  std::vector<c10::IValue> run(std::vector<at::Tensor> operands, const RuntimeSizes& around) const override {
    RuntimeSizes sizes = around;
    std::vector<at::Tensor> given;
    for (const size_t input : inputs_) {
      for_each_bound_symbol(*body_->inputs()[input].value, [&](const SymbolBinding& bound) {
        sizes.bind(bound.symbol.id, operands[input].size(bound.axis));
      });
      given.push_back(materialized(operands[input]));
    }
    for (const RuntimeAssertion& assertion : assertions_) check(assertion, sizes);
    return executable_->run(std::move(given), sizes);
  }

 private:
  std::shared_ptr<const Graph> body_;
  RuntimeInputs inputs_;
  std::shared_ptr<const Executable> executable_;
  std::vector<RuntimeAssertion> assertions_;
};

bool is_left_to_torch(const PartitionPlan& plan) { return plan.engines() == reference_engine().name(); }

}  // namespace

Bodies::Bodies(const ChosenEngines& chosen, const CompileSettings& settings) : chosen_(chosen), settings_(settings) {
  settings_.require_full_compilation = false;  // the program's own nodes are held to it
}

std::unique_ptr<Executable> Bodies::compile(const Part& part, const RuntimeInputs& inputs) {
  const auto compile_body = [&](const std::shared_ptr<const Graph>& around, const Node& node,
                                const std::shared_ptr<const Graph>& body) { return built(around, node, body); };
  return compile_with_bodies(part.graph, inputs, settings_, compile_body, notes_);
}

void Bodies::plan(const Part& part) {
  for (const Node& node : part.graph->nodes()) {
    for (const auto& body : node.subgraphs()) built(part.graph, node, body);
  }
}

std::shared_ptr<const Executable> Bodies::built(const std::shared_ptr<const Graph>& around, const Node& node,
                                                const std::shared_ptr<const Graph>& body) {
  if (body->nodes().size() < static_cast<size_t>(settings_.min_block_size)) return nullptr;
  if (!inputs_read_by_place(*body).empty()) return nullptr;
  const auto graph = prepared_for_engines(*copy_with_weights(*body, weights_of(*around, node, *body)).graph);
  const RuntimeInputs inputs = runtime_inputs_of(*graph);
  BuiltProgram program = build(graph, *graph, inputs, chosen_, settings_);
  if (is_left_to_torch(program.plan)) return nullptr;
  const auto unmatched = torch_executed_in(*graph, *graph, settings_).unmatched;
  for (std::string& note : program.notes) {
    if (std::ranges::find(unmatched, note) == unmatched.end()) notes_.push_back(std::move(note));
  }
  plans_.push_back({around, &node, std::move(program.plan)});
  if (program.executable == nullptr) return nullptr;
  return std::make_shared<BodyExecutable>(graph, inputs, std::move(program.executable));
}

}  // namespace tracejet
