#include "verify/locate.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <ATen/core/grad_mode.h>

#include "engines/reference.h"
#include "ir/analysis/effect.h"
#include "ir/call.h"
#include "ir/copy.h"
#include "ir/model_line.h"
#include "verify/comparison.h"

namespace tracejet {

namespace {

/// The values of nodes that somebody reads. Those that nobody does, engines needn't compute.
std::vector<const Value*> values_read(const Graph& graph) {
  std::unordered_set<const Value*> read;
  for (const Node& node : graph.nodes()) {
    for (const Argument& argument : node.arguments()) {
      for_each_value(argument, [&](const Value& value) { read.insert(&value); });
    }
  }
  for (const GraphOutput& output : graph.outputs()) read.insert(output.value);
  std::vector<const Value*> values;
  for (const Node& node : graph.nodes()) {
    for (const Value* output : node.outputs()) {
      if (output != nullptr && read.contains(output)) values.push_back(output);
    }
  }
  return values;
}

/// Eager's kernels give something else each time.
bool is_arbitrary(const Node& node) {
  return has_effect(node.op()) || node.op().operator_name().name.find("empty") != std::string::npos;
}

std::string value_in_words(const Value& value) {
  return "%" + std::to_string(value.id()) + (value.is_tensor() ? ": " + value.tensor().str() : "");
}

DifferingCall call_at(const Node& node, const Value& value, const Graph& graph, std::string problem) {
  const ModelLine line = line_of(node.where(), graph);
  return {Call(node).name(), value_in_words(value), describe(node.where(), graph), line.file,
          line.line,         std::move(problem)};
}

Located unknown(std::string why) { return {{.problem = std::move(why)}, {}}; }

bool all_equal(const std::vector<VerifiedOutput>& outputs) {
  return std::ranges::all_of(outputs, &VerifiedOutput::is_equal);
}

double largest_error(const std::vector<VerifiedOutput>& outputs) {
  double largest = 0;
  for (const VerifiedOutput& output : outputs) largest = std::max(largest, output.relative_error);
  return largest;
}

class Locator {
 public:
  Locator(std::shared_ptr<const Graph> graph, const Subject& subject, const std::vector<at::Tensor>& inputs,
          const Outcome& expected, std::optional<double> rounding)
      : graph_(std::move(graph)),
        subject_(subject),
        inputs_(inputs),
        expected_(expected),
        rounding_(rounding),
        state_(*graph_),
        subject_state_(*subject_.graph),
        exposed_(values_read(*subject_.graph)) {}

  std::optional<Located> locate(const std::vector<VerifiedOutput>& found) {
    const Outcome all = run_with(exposed_.size());
    if (all.failure)
      return unknown("the call at fault can't be told: with intermediate values as outputs, " + *all.failure);
    for (size_t i = 0; i < exposed_.size(); ++i) {
      values_.emplace(exposed_[i], all.values.at(expected_user_outputs() + i).second);
    }
    if (auto calls = calls_that_differ()) return calls;
    const auto outputs = compared(all);
    const bool vanishes = all_equal(outputs) && largest_error(outputs) < largest_error(found) / 4;
    if (!vanishes) return std::nullopt;
    return value_that_has_to_be_an_output();
  }

 private:
  size_t expected_user_outputs() const {
    return static_cast<size_t>(std::ranges::count(graph_->outputs(), GraphOutput::Kind::kUser, &GraphOutput::kind));
  }

  /// The subject's outcome where the first `count` values are outputs, too.
  Outcome run_with(size_t count) const {
    subject_state_.restore();
    subject_state_.take_over(state_);
    const auto copy = copy_with_outputs(*subject_.graph, std::span(exposed_).first(count));
    Outcome outcome;
    try {
      outcome = outcome_of(subject_.compile(copy.graph), *subject_.graph, subject_state_, inputs_, {});
    } catch (const std::exception& error) {
      outcome.failure = said_by(error);
    }
    subject_state_.restore();
    return outcome;
  }

  std::vector<VerifiedOutput> compared(const Outcome& outcome) const {
    // The values that are outputs besides stand between the user's and those that are written.
    Outcome own;
    const size_t users = expected_user_outputs();
    const size_t others = expected_.values.size() - users;
    for (size_t i = 0; i < outcome.values.size(); ++i) {
      if (i < users || i >= outcome.values.size() - others) own.values.push_back(outcome.values[i]);
    }
    return compare(expected_, own, subject_.precision, rounding_);
  }

  /// Runs eager's kernels call by call, each on the subject's values.
  std::optional<Located> calls_that_differ() const {
    std::optional<Located> found;
    auto theirs = subject_.graph->nodes().begin();
    bool are_alike = true;  // the two programs, so far
    const auto observe = [&](const Node& node, std::span<c10::IValue> outputs) {
      if (!are_alike) return;
      while (theirs != subject_.graph->nodes().end() && theirs->outputs().empty()) ++theirs;  // assertions
      if (node.outputs().empty()) return;
      are_alike = theirs != subject_.graph->nodes().end() && theirs->outputs().size() == node.outputs().size();
      if (!are_alike) return;
      const Node& twin = *theirs++;
      bool is_known = false;
      for (size_t i = 0; i < outputs.size(); ++i) {
        const auto value = values_.find(twin.outputs()[i]);
        if (value == values_.end() || node.outputs()[i] == nullptr) continue;
        if (!is_known && !is_arbitrary(node)) {
          if (auto problem = difference(outputs[i], value->second)) {
            if (!found) found = {call_at(node, *node.outputs()[i], *graph_, *problem), {}};
            found->nodes.emplace_back(&node, *std::move(problem));
            is_known = true;
          }
        }
        outputs[i] = like(outputs[i], value->second);
      }
    };
    const RuntimeInputs runtime_inputs = runtime_inputs_of(*graph_);
    state_.restore();
    std::vector<at::Tensor> values;
    size_t next = 0;
    for (const size_t index : runtime_inputs) {
      const GraphInput& input = graph_->inputs()[index];
      values.push_back((input.kind == GraphInput::Kind::kUser ? inputs_.at(next++) : input.data).detach().clone());
    }
    const at::NoGradGuard no_grad;
    try {
      run_observed(graph_, runtime_inputs, std::move(values), observe);
    } catch (const std::exception& error) {
      if (!found) return unknown(std::string("the call at fault can't be told: ") + said_by(error));
    }
    if (!found && !are_alike) return unknown("the compiled program isn't made of the same calls");
    return found;
  }

  std::optional<std::string> difference(const c10::IValue& expected, const c10::IValue& got) const {
    const bool is_tensor = expected.isTensor();
    const auto dtype = is_tensor ? expected.toTensor().scalar_type() : at::kDouble;
    const Comparison found = compare(expected, got, rounding_.value_or(rounding_of(dtype, subject_.precision)), true);
    return found.is_equal ? std::nullopt : std::optional(found.problem);
  }

  static c10::IValue like(const c10::IValue& expected, const c10::IValue& got) {
    if (!expected.isTensor() || !got.isTensor()) return got;
    return got.toTensor().to(expected.toTensor().options());
  }

  Located value_that_has_to_be_an_output() const {
    size_t wrong = 0, right = exposed_.size();
    const Outcome alone = run_with(0);
    if (alone.failure || all_equal(compared(alone))) {
      return unknown("compiled once more, the program gives what is expected");
    }
    while (right - wrong > 1) {
      const size_t middle = wrong + (right - wrong) / 2;
      const Outcome outcome = run_with(middle);
      (outcome.failure || !all_equal(compared(outcome)) ? wrong : right) = middle;
    }
    const Value& value = *exposed_[right - 1];
    DifferingCall call = call_at(
        *value.producer(), value, *subject_.graph,
        "its own value is right, but the engine computes it as one with the calls around it, and that goes wrong: with "
        "this value as an output, the program gives what is expected");
    return {call, {{value.producer(), call.problem}}};
  }

  std::shared_ptr<const Graph> graph_;
  const Subject& subject_;
  const std::vector<at::Tensor>& inputs_;
  const Outcome& expected_;
  std::optional<double> rounding_;
  KeptState state_, subject_state_;
  std::vector<const Value*> exposed_;
  std::unordered_map<const Value*, c10::IValue> values_;
};

}  // namespace

std::optional<Located> locate(const std::shared_ptr<const Graph>& graph, const Subject& subject,
                              const std::vector<at::Tensor>& inputs, const Outcome& expected,
                              const std::vector<VerifiedOutput>& found, std::optional<double> rounding) {
  return Locator(graph, subject, inputs, expected, rounding).locate(found);
}

}  // namespace tracejet
