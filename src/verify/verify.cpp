#include "verify/verify.h"

#include <algorithm>

#include "base/error.h"
#include "compile/program_runner.h"
#include "engines/reference.h"
#include "verify/locate.h"
#include "verify/side_by_side.h"
#include "verify/suitable_inputs.h"
#include "verify/trial_sizes.h"

namespace tracejet {

namespace {

RunProgram runner_of(std::shared_ptr<const ProgramRunner> program) {
  return [program = std::move(program)](const std::vector<at::Tensor>& inputs) {
    return program->run_for_all_outputs(inputs);
  };
}

class Verifier {
 public:
  Verifier(std::shared_ptr<const Graph> graph, const Subject& subject, const VerifyOptions& options,
           const std::vector<std::string>& output_names)
      : graph_(std::move(graph)),
        subject_(subject),
        options_(options),
        output_names_(output_names),
        eager_(runner_of(std::make_shared<ProgramRunner>(
            graph_,
            CompileSettings{.engine = reference_engine().name(), .cuda_graphs = false, .skipped_passes = {"all"}}))),
        state_(*graph_),
        subject_state_(subject.graph == nullptr ? *graph_ : *subject.graph, subject.state) {
    result_.engine = subject.name;
  }

  void run_at(const Trial& trial) {
    const auto eager = [this](const std::vector<at::Tensor>& inputs) { return eager_outcome(inputs); };
    const auto [inputs, expected] = suitable_inputs(*graph_, trial, options_.seed, eager);
    hold(trial.name, trial.dimensions, inputs, expected);
  }

  void run_on(const std::string& name, const std::vector<at::Tensor>& inputs) {
    const Outcome expected = eager_outcome(inputs);
    if (expected.failure && subject_outcome(inputs).failure) {
      throw InvalidInput(name + ": neither " + subject_.name + " nor eager's kernels take these: " + *expected.failure,
                         ErrorCode::kVerifyInputs);
    }
    hold(name, dimensions_of(inputs), inputs, expected);
  }

  Verification result() && { return std::move(result_); }

 private:
  Outcome eager_outcome(const std::vector<at::Tensor>& inputs) const {
    state_.restore();
    Outcome outcome = outcome_of(eager_, *graph_, state_, inputs, output_names_);
    state_.restore();
    return outcome;
  }

  Outcome subject_outcome(const std::vector<at::Tensor>& inputs) const {
    subject_state_.restore();
    subject_state_.take_over(state_);
    Outcome outcome = outcome_of(subject_.run, *graph_, subject_state_, inputs, output_names_);
    subject_state_.restore();
    return outcome;
  }

  void hold(const std::string& name, std::vector<std::pair<std::string, int64_t>> dimensions,
            const std::vector<at::Tensor>& inputs, const Outcome& expected) {
    VerifiedRun run{name, std::move(dimensions), {}, {}};
    const Outcome got = subject_outcome(inputs);
    if (got.failure || expected.failure) {
      const std::string& who = got.failure ? subject_.name : std::string("eager's kernels");
      run.failure = "only " + who + " refused them: " + *(got.failure ? got.failure : expected.failure);
      result_.runs.push_back(std::move(run));
      return;
    }
    run.outputs = compare(expected, got, subject_.precision, options_.tolerance);
    if (!run.ok() && subject_.graph != nullptr && !result_.first) {
      if (auto found = locate(graph_, subject_, inputs, expected, run.outputs, options_.tolerance)) {
        result_.first = std::move(found->first);
      } else {
        run.amplifies_rounding = true;
      }
    }
    result_.runs.push_back(std::move(run));
  }

  std::vector<std::pair<std::string, int64_t>> dimensions_of(const std::vector<at::Tensor>& inputs) const {
    std::vector<std::pair<std::string, int64_t>> dimensions;
    size_t next = 0;
    for (const GraphInput& input : graph_->inputs()) {
      if (input.kind != GraphInput::Kind::kUser || input.value == nullptr || next >= inputs.size()) continue;
      const at::Tensor& tensor = inputs[next++];
      const auto& declared = input.value->tensor().sizes;
      for (size_t axis = 0; axis < declared.size() && static_cast<int64_t>(axis) < tensor.dim(); ++axis) {
        if (declared[axis].maybe_as_int()) continue;
        dimensions.emplace_back(input.name + "[" + std::to_string(axis) + "]", tensor.size(static_cast<int64_t>(axis)));
      }
    }
    return dimensions;
  }

  std::shared_ptr<const Graph> graph_;
  const Subject& subject_;
  const VerifyOptions& options_;
  const std::vector<std::string>& output_names_;
  RunProgram eager_;
  KeptState state_, subject_state_;
  Verification result_;
};

void check_inputs(const Graph& graph, const Subject& subject) {
  if (subject.graph == nullptr || subject.graph.get() == &graph) return;
  const auto kinds = [](const Graph& of) {
    std::vector<std::string> texts;
    for (const GraphInput& input : of.inputs()) {
      if (input.kind != GraphInput::Kind::kUser || input.value == nullptr) continue;
      texts.push_back(std::string(c10::toString(input.value->tensor().dtype)) + " of rank " +
                      std::to_string(input.value->tensor().dim()));
    }
    return texts;
  };
  const auto mine = kinds(graph), theirs = kinds(*subject.graph);
  if (mine == theirs) return;
  throw InvalidInput("the compiled program isn't this program's: it takes other tensors", ErrorCode::kOtherProgram);
}

}  // namespace

Verification verify(const std::shared_ptr<const Graph>& graph, const Subject& subject,
                    const std::vector<std::vector<at::Tensor>>& inputs, const VerifyOptions& options,
                    const std::vector<std::string>& output_names) {
  check_inputs(*graph, subject);
  if (options.tolerance && !(*options.tolerance >= 0)) {  // NaN neither: nothing is larger, so all would be equal
    throw InvalidInput("tolerance is " + std::to_string(*options.tolerance) + "; expected a number from 0 on",
                       ErrorCode::kInvalidSetting);
  }
  Verifier verifier(graph, subject, options, output_names);
  for (const Trial& trial : trials_of(*graph, options.sizes)) verifier.run_at(trial);
  for (size_t i = 0; i < inputs.size(); ++i) {
    verifier.run_on("inputs" + (inputs.size() == 1 ? "" : " " + std::to_string(i)), inputs[i]);
  }
  return std::move(verifier).result();
}

Verification verify(const Program& program, const CompiledProgram& compiled,
                    const std::vector<std::vector<at::Tensor>>& inputs, const VerifyOptions& options) {
  return verify(program.graph(), subject_of(compiled.runner()), inputs, options);
}

Subject subject_of(const std::shared_ptr<const ProgramRunner>& compiled) {
  const CompileSettings& settings = compiled->settings();
  return {compiled->engines(),
          runner_of(compiled),
          settings.precision,
          compiled->graph(),
          [settings](std::shared_ptr<const Graph> graph) {
            return runner_of(std::make_shared<ProgramRunner>(std::move(graph), settings));
          },
          compiled->own_state()};
}

}  // namespace tracejet
