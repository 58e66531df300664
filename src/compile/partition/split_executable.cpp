#include "compile/partition/split_executable.h"

#include <algorithm>
#include <mutex>
#include <unordered_set>
#include <utility>

#include <ATen/ops/empty_strided.h>
#include <ATen/record_function.h>

#include "base/error.h"
#include "compile/memory_use.h"
#include "compile/partition/number_reads.h"
#include "engines/kernel_times.h"
#include "engines/reference.h"
#include "ir/node_text.h"
#include "ir/symbol_binding.h"

namespace tracejet {

/// Runs a part in the place of its engine. It is only made where that is needed.
class SplitExecutable::Substitute {
 public:
  explicit Substitute(std::shared_ptr<const Graph> graph) : graph_(std::move(graph)) {}

  const Executable& get() {
    std::call_once(made_, [&] { executable_ = compile_reference(graph_, runtime_inputs_of(*graph_)); });
    return *executable_;
  }

 private:
  std::shared_ptr<const Graph> graph_;
  std::once_flag made_;
  std::unique_ptr<const Executable> executable_;
};

SplitExecutable::~SplitExecutable() = default;

SplitExecutable::SplitExecutable(const PartitionPlan& plan, const RuntimeInputs& inputs,
                                 std::vector<std::shared_ptr<const Executable>> executables)
    : graph_(plan.graph) {
  for (const size_t input : inputs) inputs_.push_back(slot_of(*graph_->inputs()[input].value));
  for (const GraphInput& input : graph_->inputs()) {
    if (input.value != nullptr && !slots_.contains(input.value)) weights_.emplace(input.value, input.data);
  }
  for (size_t i = 0; i < plan.parts.size(); ++i) {
    const Part& part = plan.parts[i];
    add_step("tracejet part " + std::to_string(i) + " (" + part.engine->name() + ")", std::move(executables[i]), part);
  }
  add_number_reads(*graph_);
  add_results(*graph_);
  find_last_uses();
}

SplitExecutable::Slot SplitExecutable::slot_of(const Value& value) {
  const auto [found, is_new] = slots_.try_emplace(&value, first_.size());
  if (!is_new) return found->second;
  const auto weight = weights_.find(&value);
  first_.push_back(weight == weights_.end() ? c10::IValue() : c10::IValue(weight->second));
  return found->second;
}

void SplitExecutable::add_step(std::string name, std::shared_ptr<const Executable> executable, const Part& part) {
  Step step{std::move(name), std::move(executable), nullptr, {}, {}};
  if (!is_reference(*part.engine)) step.substitute = std::make_unique<Substitute>(part.graph);
  part_graphs_.push_back(part.graph);
  const auto by_place = inputs_read_by_place(*part.graph);
  for (const size_t input : runtime_inputs_of(*part.graph)) {
    const Value* own = part.graph->inputs()[input].value;
    step.takes.push_back({slot_of(*part.inputs[input]), false, by_place.contains(own) ? &own->tensor() : nullptr});
  }
  for (const Value* value : part.outputs) step.gives.push_back({slot_of(*value), value, false});
  steps_.push_back(std::move(step));
}

void SplitExecutable::add_number_reads(const Graph& graph) {
  std::unordered_set<const Value*> given;
  for (const Step& step : steps_) {
    for (const Given& gives : step.gives) given.insert(gives.value);
  }
  const auto part = number_reads_for_outputs(graph, given);
  if (!part) return;
  add_step("tracejet reads of numbers", part->engine->compile(part->graph, runtime_inputs_of(*part->graph), {}), *part);
}

void SplitExecutable::add_results(const Graph& graph) {
  for (const GraphOutput& output : graph.outputs()) {
    if (!is_computed(output)) continue;
    const bool is_value = output.value != nullptr;
    results_.push_back({is_value ? std::optional(slot_of(*output.value)) : std::nullopt, output.literal});
  }
}

void SplitExecutable::find_last_uses() {
  std::vector<bool> is_needed(first_.size(), false);
  for (const Result& result : results_) {
    if (result.slot) is_needed[*result.slot] = true;
  }
  // Weights stay for the next run.
  for (Slot slot = 0; slot < first_.size(); ++slot) is_needed[slot] = is_needed[slot] || !first_[slot].isNone();
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    for (Given& gives : step->gives) gives.is_needed = is_needed[gives.slot];
    for (Taken& takes : step->takes) {
      takes.is_last_use = !is_needed[takes.slot];
      is_needed[takes.slot] = true;
    }
  }
}

std::vector<c10::IValue> SplitExecutable::run(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes) const {
  return run_observed(std::move(inputs), sizes, nullptr);
}

std::vector<c10::IValue> SplitExecutable::run_observed(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes,
                                                       const Observe& observe) const {
  std::vector<c10::IValue> values = first_;
  RuntimeSizes known = sizes;
  for (size_t i = 0; i < inputs.size(); ++i) values[inputs_[i]] = std::move(inputs[i]);
  for (size_t part = 0; part < steps_.size(); ++part) {
    const Step& step = steps_[part];
    std::vector<at::Tensor> taken;
    taken.reserve(step.takes.size());
    for (const Taken& takes : step.takes) {
      c10::IValue& value = values[takes.slot];
      taken.push_back(handed_over(takes.is_last_use ? std::exchange(value, {}) : value, takes, known));
    }
    std::vector<at::Tensor> seen;
    if (observe) seen = taken;
    std::vector<c10::IValue> given;
    {
      RECORD_FUNCTION(step.name, std::vector<c10::IValue>());
      const KernelTimes::InPart in_part(part);
      given = run(step, std::move(taken), known);
    }
    if (observe) observe(part, seen, known, given);
    for (size_t i = 0; i < given.size(); ++i) {
      const Given& gives = step.gives[i];
      bind_symbols(*gives.value, given[i], known);
      if (gives.is_needed) values[gives.slot] = std::move(given[i]);
    }
  }
  std::vector<c10::IValue> results;
  results.reserve(results_.size());
  for (const auto& [slot, literal] : results_) results.push_back(slot ? values[*slot] : resolve(literal, known));
  return results;
}

std::vector<c10::IValue> SplitExecutable::run(const Step& step, std::vector<at::Tensor> inputs,
                                              const RuntimeSizes& sizes) {
  if (step.substitute == nullptr) return step.executable->run(std::move(inputs), sizes);
  try {
    return step.executable->run(inputs, sizes);
  } catch (const InvalidInput&) {
    return step.substitute->get().run(std::move(inputs), sizes);
  }
}

at::Tensor SplitExecutable::handed_over(c10::IValue value, const Taken& taken, const RuntimeSizes& sizes) {
  at::Tensor tensor = materialized(std::move(value).toTensor());
  if (taken.layout == nullptr || lies_as_traced(tensor, *taken.layout, sizes)) return tensor;
  const std::vector<int64_t> strides = sizes.evaluate(taken.layout->strides);
  return at::empty_strided(tensor.sizes(), strides, tensor.options()).copy_(tensor);
}

/// Sizes that a part has computed are known to the parts after it.
void SplitExecutable::bind_symbols(const Value& value, const c10::IValue& given, RuntimeSizes& sizes) {
  if (value.is_tensor() && given.toTensor().dim() != value.tensor().dim()) {
    throw Error("a part of the program gave " + definition_of(&value) + " another rank, " +
                    std::to_string(given.toTensor().dim()) +
                    ": a size that only the data says is 1 has taken an axis away; the engine \"" +
                    reference_engine().name() + "\" runs the program as a whole",
                ErrorCode::kEngineFailure);
  }
  for_each_bound_symbol(value, [&](const SymbolBinding& bound) {
    if (sizes.find(bound.symbol.id)) return;
    sizes.bind(bound.symbol.id, bound.axis < 0 ? as_symbol_value(given) : given.toTensor().size(bound.axis));
  });
}

bool SplitExecutable::takes_ranks_from_data() const {
  return std::ranges::all_of(steps_, [](const Step& step) { return step.executable->takes_ranks_from_data(); });
}

}  // namespace tracejet
