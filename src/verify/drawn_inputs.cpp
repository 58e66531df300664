// Random inputs for whoever wants to run a program.
#include <algorithm>

#include "base/error.h"
#include "compile/program_runner.h"
#include "engines/reference.h"
#include "ir/symbol_binding.h"
#include "verify/side_by_side.h"
#include "verify/suitable_inputs.h"
#include "verify/trial_sizes.h"
#include "verify/verify.h"

namespace tracejet {

namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

std::string text(const std::vector<int64_t>& shape) { return c10::str(at::IntArrayRef(shape)); }

/// The sizes of these inputs in the place of those of `trial`.
void set_sizes(Trial& trial, const Graph& graph, const Shapes& shapes) {
  size_t found = 0;
  const auto each = [&](auto&& visit) {
    for (const GraphInput& input : graph.inputs()) {
      if (input.kind != GraphInput::Kind::kUser || input.value == nullptr) continue;
      const auto shape = shapes.find(input.name);
      if (shape != shapes.end()) visit(input, shape->second);
    }
  };
  each([&](const GraphInput& input, const std::vector<int64_t>& shape) {
    ++found;
    if (static_cast<int64_t>(shape.size()) != input.value->tensor().dim()) {
      throw InvalidInput(input.name + " is " + input.value->tensor().str() + ", and can't be " + text(shape),
                         ErrorCode::kVerifyInputs);
    }
    for_each_bound_symbol(*input.value, [&](const SymbolBinding& binding) {
      if (binding.axis < 0) return;
      const int64_t size = shape[static_cast<size_t>(binding.axis)];
      if (!graph.shapes().range(symbolic::Expression::of(binding.symbol)).contains(size)) {
        throw InvalidInput(input.name + "[" + std::to_string(binding.axis) + "] is " +
                               symbolic::in_words(binding.symbol.range) + ", and can't be " + std::to_string(size),
                           ErrorCode::kVerifyInputs);
      }
      trial.sizes.bind(binding.symbol.id, size);
    });
  });
  each([&](const GraphInput& input, const std::vector<int64_t>& shape) {
    const std::vector<int64_t> sizes = trial.sizes.evaluate(input.value->tensor().sizes);
    if (sizes != shape) {
      throw InvalidInput(
          input.name + " would have to be " + text(sizes) + ", given the other sizes, and not " + text(shape),
          ErrorCode::kVerifyInputs);
    }
  });
  if (found < shapes.size())
    throw InvalidInput("shapes are given of an input that the program doesn't have", ErrorCode::kVerifyInputs);
}

}  // namespace

std::vector<at::Tensor> random_inputs(const Program& program, const RandomInputs& options) {
  const Graph& graph = *program.graph();
  std::vector<Trial> trials = trials_of(graph, {options.size});
  if (trials.empty())
    throw InvalidInput("no sizes were found that fulfil what the program asserts of them", ErrorCode::kVerifyInputs);
  if (!options.shapes.empty()) set_sizes(trials.front(), graph, options.shapes);
  const KeptState state(graph);
  const ProgramRunner eager(program.graph(), {.engine = reference_engine().name()});
  const RunProgram run = [&](const std::vector<at::Tensor>& inputs) { return eager.run_for_all_outputs(inputs); };
  return suitable_inputs(graph, trials.front(), options.seed,
                         [&](const std::vector<at::Tensor>& inputs) {
                           Outcome outcome = outcome_of(run, graph, state, inputs, {});
                           state.restore();
                           return outcome;
                         })
      .inputs;
}

}  // namespace tracejet
