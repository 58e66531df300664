#include "compile/program_runner.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/record_function.h>
#include <c10/core/DefaultDtype.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "base/error.h"
#include "base/memory.h"
#include "compile/cache/graph_hash.h"
#include "compile/input_check.h"
#include "compile/memory_use.h"
#include "compile/prepare.h"
#include "compile/report.h"
#include "compile/settings.h"
#include "compile/size_assertions.h"
#include "engines/reference.h"
#include "ir/size_expression.h"
#include "report/unsupported.h"

namespace tracejet {

namespace {

bool is_same_memory(const at::Tensor& a, const at::Tensor& b) {
  return a.is_alias_of(b) && a.storage_offset() == b.storage_offset() && a.scalar_type() == b.scalar_type() &&
         a.sizes() == b.sizes() && a.strides() == b.strides() && a.is_conj() == b.is_conj() && a.is_neg() == b.is_neg();
}

/// Gives the targets their new values. Engines may have passed a target's own memory through: what reads it is copied
/// before anything is written. Where the new value lies in the target's memory, it has been written there.
void write(std::vector<std::pair<at::Tensor, at::Tensor>>& writes, std::vector<c10::IValue>& results) {
  const auto is_overwritten = [&](const at::Tensor& tensor) {
    return std::ranges::any_of(writes, [&](const auto& write) { return write.first.is_alias_of(tensor); });
  };
  for (c10::IValue& result : results) {
    if (result.isTensor() && is_overwritten(result.toTensor())) result = result.toTensor().clone();
  }
  for (auto& [target, value] : writes) {
    if (is_overwritten(value) && !is_same_memory(target, value)) value = value.clone();
  }
  for (const auto& [target, value] : writes) {
    if (!is_same_memory(target, value)) target.copy_(value);
  }
}

bool is_elsewhere(const GraphInput& input) {
  return input.value != nullptr && input.data.defined() && input.data.device() != input.value->tensor().device &&
         !can_be_moved(input);
}

/// A program may be traced for a device where its weights aren't yet.
void check_weights(const Graph& graph) {
  for (const GraphInput& input : graph.inputs()) {
    if (!is_elsewhere(input)) continue;
    refuse_input(input.name,
                 "its data is on " + input.data.device().str() + ", but this program runs on " +
                     input.value->tensor().device.str() +
                     (input.data.is_meta() ? ": load the weights and trace again" : ": move the model there"));
  }
}

}  // namespace

ProgramRunner::ProgramRunner(std::shared_ptr<const Graph> graph, const CompileSettings& settings, OwnState state,
                             PartTrial* trial, const SavedBuild* saved)
    : settings_(settings),
      graph_(std::move(graph)),
      state_(std::move(state)),
      runtime_inputs_(runtime_inputs_of(*graph_)) {
  check_settings(settings_);
  const ChosenEngines chosen = chosen_engines(*graph_, settings_);
  prepare(chosen);
  built_ = build(prepared_for_engines(*graph_), *graph_, runtime_inputs_, chosen, settings_, trial, saved);
  complete();
}

ProgramRunner::ProgramRunner(const ProgramRunner& compiled, std::shared_ptr<const Graph> graph, OwnState state)
    : settings_(compiled.settings_),
      graph_(std::move(graph)),
      state_(std::move(state)),
      runtime_inputs_(runtime_inputs_of(*graph_)) {
  if (!differ_in_weights_only(*compiled.graph_, *graph_)) {
    throw InvalidInput(
        "refit_module_weights: the programs differ in more than their weights: trace the same model with the same "
        "inputs, or compile anew",
        ErrorCode::kOtherProgram);
  }
  prepare(chosen_engines(*graph_, settings_));
  built_ = refitted(compiled.built_);
  complete();
}

BuiltProgram ProgramRunner::refitted(const BuiltProgram& built) const {
  const auto graph = prepared_for_engines(*graph_);
  if (built.executable != nullptr && built.plan.is_whole() && built.plan.fallbacks.empty()) {
    const auto& engine = built.plan.parts.front().engine;
    try {
      BuiltProgram fitted{whole_plan(graph, engine), nullptr, built.notes, {}, {false}};
      fitted.executable = engine->refit(*built.executable, graph, runtime_inputs_, settings_);
      fitted.warnings[engine->name()] = fitted.executable->warnings();
      fitted.executables = {fitted.executable};
      fitted.engine_names = built.engine_names;
      fitted.refused.resize(built.engine_names.size());
      return fitted;
    } catch (const RefusedNodes&) {  // it takes these weights otherwise: another plan
    }
  }
  return build(graph, *graph_, runtime_inputs_, chosen_engines(*graph_, settings_), settings_);
}

void ProgramRunner::prepare(const ChosenEngines& chosen) {
  const auto takes_weights = [](const auto& engine) { return engine->takes_weights_from_anywhere(); };
  if (std::ranges::none_of(chosen.engines, takes_weights)) check_weights(*graph_);
  for (size_t i = 0; i < graph_->inputs().size(); ++i) {
    const GraphInput& input = graph_->inputs()[i];
    if (input.kind == GraphInput::Kind::kUser && input.value != nullptr) user_inputs_.push_back(i);
  }
  const std::unordered_set<const Value*> by_place = inputs_read_by_place(*graph_);
  for (const size_t input : user_inputs_) is_read_by_place_.push_back(by_place.contains(graph_->inputs()[input].value));
  for (const GraphOutput& output : graph_->outputs()) {
    if (output.kind != GraphOutput::Kind::kUser) written_.push_back(output.target);
  }
}

void ProgramRunner::complete() {
  misses_weights_ = misses_weights();
  fixed_weights_ = FixedWeights(*graph_, runtime_inputs_);
  const auto is_of_pytorch = [](const Part& part) { return is_reference(*part.engine); };
  if (std::ranges::any_of(built_.plan.parts, is_of_pytorch)) call_of_default_dtype_ = call_of_default_dtype(*graph_);
  assertions_ = size_assertions(*graph_, built_.executable == nullptr || built_.executable->takes_ranks_from_data());
}

bool ProgramRunner::misses_weights() const {
  const auto needs = [](const Part& part) { return !part.engine->takes_weights_from_anywhere(); };
  if (std::ranges::any_of(built_.plan.parts, needs)) return std::ranges::any_of(graph_->inputs(), is_elsewhere);
  return std::ranges::any_of(runtime_inputs_, [&](size_t input) { return is_elsewhere(graph_->inputs()[input]); });
}

std::string ProgramRunner::warnings() const {
  std::string text;
  for (const auto& [engine, nodes] : built_.warnings) {
    const std::string own = report_warnings(*graph_, nodes, engine);
    text += (text.empty() || own.empty() ? "" : "\n") + own;
  }
  return text;
}

CompileReport ProgramRunner::report() const { return report_of(built_); }

const at::Tensor& ProgramRunner::state(size_t input) const { return data_of(*graph_, state_, input); }

void ProgramRunner::check_surroundings(const std::vector<at::Tensor>& inputs) const {
  if (built_.executable == nullptr)
    throw InvalidInput("a dry run compiles nothing: there is only a report", ErrorCode::kInvalidSetting);
  if (misses_weights_) check_weights(*graph_);
  fixed_weights_.check(*graph_);
  check_caller(inputs);
  if (call_of_default_dtype_.empty() || c10::get_default_dtype_as_scalartype() == at::kFloat) return;
  throw InvalidInput(std::string("the default dtype is ") + c10::toString(c10::get_default_dtype_as_scalartype()) +
                         ", and this program has a call that gives it, and was made for Float: call it under "
                         "torch.set_default_dtype(torch.float32)\n" +
                         call_of_default_dtype_,
                     ErrorCode::kInputMismatch);
}

/// What is written would be seen in other tensors of the same memory, which a program reads before it writes.
void ProgramRunner::check_memory(const std::vector<at::Tensor>& inputs, const RuntimeSizes& sizes) const {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const GraphInput& input = graph_->inputs()[user_inputs_[i]];
    if (!is_read_by_place_[i] || lies_as_traced(inputs[i], input.value->tensor(), sizes)) continue;
    refuse_input(input.name,
                 "the program takes elements of it by their place in memory (as_strided), and this tensor lies there "
                 "otherwise than the traced one; pass a copy of the traced layout",
                 ErrorCode::kSharedMemory);
  }
  for (const size_t target : written_) {
    const GraphInput& written = graph_->inputs()[target];
    const auto own = std::ranges::find(user_inputs_, target) - user_inputs_.begin();
    const bool is_users = written.kind == GraphInput::Kind::kUser;
    const at::Tensor& memory = is_users ? inputs[static_cast<size_t>(own)] : state(target);
    const auto check = [&](const std::string& name, const at::Tensor& other) {
      if (!memory_overlaps(memory, other)) return;
      refuse_input(name, "it shares memory with " + written.name + ", which the program writes to; pass a clone",
                   ErrorCode::kSharedMemory);
    };
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (user_inputs_[i] != target) check(graph_->inputs()[user_inputs_[i]].name, inputs[i]);
    }
    if (!is_users) continue;
    if (memory_overlaps_itself(memory)) {
      refuse_input(written.name, "the program writes to it, and several of its elements share one place; pass a clone",
                   ErrorCode::kSharedMemory);
    }
    for (size_t i = 0; i < graph_->inputs().size(); ++i) {
      const GraphInput& other = graph_->inputs()[i];
      if (other.value == nullptr || other.kind == GraphInput::Kind::kUser || !memory_overlaps(memory, state(i)))
        continue;
      refuse_input(
          written.name,
          "the program writes to it, and it shares memory with " + other.name + ", a tensor of the model; pass a clone",
          ErrorCode::kSharedMemory);
    }
  }
}

void ProgramRunner::check_assertions(const RuntimeSizes& sizes) const {
  for (const RuntimeAssertion& assertion : assertions_) check(assertion, sizes);
}

std::vector<c10::IValue> ProgramRunner::run_for_all_outputs(const std::vector<at::Tensor>& inputs) const {
  check_surroundings(inputs);
  const at::NoGradGuard no_grad;
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const bool writes_buffers = std::ranges::any_of(
      written_, [&](size_t input) { return graph_->inputs()[input].kind != GraphInput::Kind::kUser; });
  std::unique_lock one_at_a_time(writing_, std::defer_lock);
  if (writes_buffers) one_at_a_time.lock();
  const RuntimeSizes sizes = checked_sizes(*graph_, user_inputs_, inputs);
  check_assertions(sizes);
  check_memory(inputs, sizes);
  std::vector<at::Tensor> targets, given;
  size_t next_user = 0;
  for (const size_t input : runtime_inputs_) {
    const bool is_user = graph_->inputs()[input].kind == GraphInput::Kind::kUser;
    targets.push_back(is_user ? inputs[next_user++] : state(input));
    given.push_back(materialized(targets.back()));
  }

  RECORD_FUNCTION("tracejet program", std::vector<c10::IValue>());
  const std::vector<c10::IValue> computed = built_.executable->run(std::move(given), sizes);

  std::vector<c10::IValue> results;
  std::vector<std::pair<at::Tensor, at::Tensor>> writes;
  size_t next = 0;
  for (const GraphOutput& output : graph_->outputs()) {
    if (!is_computed(output)) {
      results.push_back(resolve(output.literal, sizes));
      continue;
    }
    const c10::IValue& value = computed[next++];
    if (output.kind == GraphOutput::Kind::kUser) {
      results.push_back(value);
    } else {
      const auto target = std::ranges::find(runtime_inputs_, output.target) - runtime_inputs_.begin();
      writes.emplace_back(targets[static_cast<size_t>(target)], value.toTensor());
    }
  }
  if (!writes.empty()) write(writes, results);
  return results;
}

std::vector<at::Tensor> ProgramRunner::run(const std::vector<at::Tensor>& inputs) const {
  std::vector<at::Tensor> tensors;
  for (const c10::IValue& output : run_for_all_outputs(inputs)) {
    if (output.isTensor()) tensors.push_back(output.toTensor());
  }
  return tensors;
}

}  // namespace tracejet
