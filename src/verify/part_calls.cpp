#include "verify/part_calls.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include <ATen/core/grad_mode.h>

#include "compile/input_check.h"
#include "compile/partition/split_executable.h"
#include "engines/reference.h"
#include "ir/analysis/effect.h"
#include "verify/suitable_inputs.h"

namespace tracejet {

namespace {

std::string trial_in_words(const Trial& trial) {
  std::string text = trial.name;
  for (size_t i = 0; i < trial.dimensions.size(); ++i) {
    text += (i == 0 ? " (" : ", ") + trial.dimensions[i].first + "=" + std::to_string(trial.dimensions[i].second);
  }
  return text + (trial.dimensions.empty() ? "" : ")");
}

std::shared_ptr<const Executable> by_reference(const std::shared_ptr<const Graph>& graph) {
  return compile_reference(graph, runtime_inputs_of(*graph));
}

bool has_effects(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(), [](const Node& node) { return has_effect(node.op()); });
}

/// A plan of which eager's kernels run every part.
class EagerParts {
 public:
  EagerParts(const PartitionPlan& plan, const Graph& traced, const OwnState& state)
      : traced_(traced), state_(state), runtime_inputs_(runtime_inputs_of(traced)) {
    for (size_t i = 0; i < traced.inputs().size(); ++i) {
      const GraphInput& input = traced.inputs()[i];
      if (input.kind == GraphInput::Kind::kUser && input.value != nullptr) user_inputs_.push_back(i);
    }
    for (const Part& part : plan.parts) executables_.push_back(by_reference(part.graph));
    if (!plan.is_whole()) split_ = std::make_unique<SplitExecutable>(plan, runtime_inputs_, executables_);
  }

  using Observe = SplitExecutable::Observe;

  std::vector<c10::IValue> run(const std::vector<at::Tensor>& users, const Observe& observe) const {
    const at::NoGradGuard no_grad;
    const FixedSeed seed;
    const RuntimeSizes sizes = checked_sizes(traced_, user_inputs_, users);
    std::vector<at::Tensor> given;
    size_t next = 0;
    for (const size_t index : runtime_inputs_) {
      const GraphInput& input = traced_.inputs()[index];
      const bool is_users = input.kind == GraphInput::Kind::kUser;
      given.push_back((is_users ? users.at(next++) : data_of(traced_, state_, index)).detach().clone());
    }
    if (split_ != nullptr) return split_->run_observed(std::move(given), sizes, observe);
    auto results = executables_.front()->run(given, sizes);
    if (observe) observe(0, given, sizes, results);
    return results;
  }

  /// Where a part draws random numbers, they have to be those that it draws when it runs alone.
  std::vector<c10::IValue> alone(size_t part, const PartCall& call) const {
    const FixedSeed seed;
    return executables_[part]->run(call.inputs, call.sizes);
  }

 private:
  const Graph& traced_;
  const OwnState& state_;
  RuntimeInputs runtime_inputs_;
  std::vector<size_t> user_inputs_;
  std::vector<std::shared_ptr<const Executable>> executables_;
  std::unique_ptr<SplitExecutable> split_;
};

}  // namespace

std::vector<PartCall> part_calls(const PartitionPlan& plan, const Graph& traced, const Trial& trial,
                                 const OwnState& state) {
  const EagerParts eager(plan, traced, state);
  const auto outcome = [&](const std::vector<at::Tensor>& inputs) {
    Outcome found;
    try {
      for (c10::IValue& value : eager.run(inputs, nullptr)) found.values.emplace_back("", std::move(value));
    } catch (const std::exception& error) {
      found.failure = said_by(error);
    }
    return found;
  };
  const std::vector<at::Tensor> inputs = suitable_inputs(traced, trial, 0, outcome).inputs;
  std::vector<PartCall> calls(plan.parts.size());
  eager.run(inputs, [&](size_t part, const std::vector<at::Tensor>& taken, const RuntimeSizes& sizes,
                        const std::vector<c10::IValue>& given) {
    if (part < calls.size()) calls[part] = {trial_in_words(trial), sizes, taken, given};
  });
  const at::NoGradGuard no_grad;
  for (size_t part = 0; part < calls.size(); ++part) {
    if (has_effects(*plan.parts[part].graph)) calls[part].expected = eager.alone(part, calls[part]);
  }
  return calls;
}

}  // namespace tracejet
