#include "frontends/recorded_code.h"

#include <ATen/core/grad_mode.h>

#include "base/error.h"
#include "capture/tracer.h"
#include "frontends/cpp_code.h"
#include "ir/node_text.h"
#include "symbolic/context.h"

namespace tracejet {

namespace {

/// The program has been traced: nobody would check what is assumed of its sizes. (What PyTorch asks to find a way that
/// serves all sizes is no assumption.)
void refuse_assumptions(std::span<const symbolic::Guard> guards) {
  for (const symbolic::Guard& guard : guards) {
    if (guard.kind == symbolic::Guard::Kind::kZeroOne) continue;
    throw UnsupportedOperator("the code that is inserted only holds where " + guard.condition.str() +
                              ", which the program doesn't say of its sizes; insert code that holds for all of them");
  }
}

void refuse_writes(const Tracer& tracer, std::span<const at::Tensor> operands, std::span<const Value* const> inputs) {
  const auto refuse = [](const Value& written) {
    throw UnsupportedOperator("the code that is inserted writes in place to " + definition_of(&written) +
                              ", which isn't its own; write to a clone, and return the new value");
  };
  for (size_t i = 0; i < operands.size(); ++i) {
    if (&tracer.scopes().current_value(operands[i]) != inputs[i]) refuse(*inputs[i]);
  }
  for (const auto& [impl, lifted] : tracer.scopes().program().lifted) {
    if (&tracer.scopes().current_value(lifted.stand_in) != lifted.value) refuse(*lifted.value);
  }
}

}  // namespace

RecordedCode record_code(const Graph& around, const Forward& code, std::span<const Value* const> operands,
                         const DecompositionTable& decompositions) {
  RecordedCode recorded{around.make_subgraph(), {}};
  Tracer tracer({}, {.decompositions = decompositions});
  tracer.record_into(recorded.graph);
  std::vector<const Value*> inputs;
  std::vector<at::Tensor> arguments;
  for (const Value* operand : operands) {
    if (!operand->is_tensor()) throw InvalidInput("code takes tensors, and " + definition_of(operand) + " is a number");
    const std::string name = "operand_" + std::to_string(inputs.size());
    inputs.push_back(recorded.graph->add_input(GraphInput::Kind::kUser, operand->tensor(), name));
    arguments.push_back(tracer.scopes().make_functional(*inputs.back()));
  }
  const symbolic::Context::Trial trial(around.shapes());
  const at::NoGradGuard no_grad;
  tracer.begin();
  try {
    for (const at::Tensor& result : run_code(tracer, [&] { return code(arguments); })) {
      if (!result.defined()) throw InvalidInput("the code that is inserted gives an undefined tensor");
      recorded.results.push_back(&tracer.lifting().value_of(result));
    }
  } catch (const c10::Error& error) {
    rethrow_of_code(error, tracer);
  }
  refuse_writes(tracer, arguments, inputs);
  tracer.end();
  refuse_assumptions(trial.guards());
  return recorded;
}

}  // namespace tracejet
