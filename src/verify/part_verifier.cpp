#include "verify/part_verifier.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>

#include <ATen/core/grad_mode.h>

#include "base/error.h"
#include "engines/reference.h"
#include "ir/call.h"
#include "ir/clone_range.h"
#include "ir/model_line.h"
#include "tracejet/verify.h"
#include "verify/locate.h"
#include "verify/part_calls.h"
#include "verify/side_by_side.h"
#include "verify/trial_sizes.h"
#include "verify/verify.h"

namespace tracejet {

namespace {

/// A child that takes longer hangs: some engines do in a process that was forked.
constexpr std::chrono::minutes kChildLimit{5};

std::vector<c10::IValue> run_alone(const Executable& executable, const PartCall& call) {
  const at::NoGradGuard no_grad;
  const FixedSeed seed;
  std::vector<at::Tensor> inputs;
  for (const at::Tensor& input : call.inputs) inputs.push_back(input.clone());
  return executable.run(std::move(inputs), call.sizes);
}

Outcome named(const std::vector<c10::IValue>& values) {
  Outcome outcome;
  for (size_t i = 0; i < values.size(); ++i) outcome.values.emplace_back("output " + std::to_string(i), values[i]);
  return outcome;
}

/// Nodes of a part in a graph of their own, which is called with what the part is called with.
struct Extract {
  std::shared_ptr<const Graph> graph;
  PartCall call;
};

class PartVerifier final : public PartTrial {
 public:
  PartVerifier(std::shared_ptr<const Graph> graph, const CompileSettings& settings, const OwnState& state, Fork fork)
      : traced_(std::move(graph)), settings_(settings), state_(state), fork_(std::move(fork)) {
    if (settings_.dryrun) notes_.emplace_back("verify: a dry run compiles nothing that could be verified");
  }

  std::optional<TrialFinding> before(const PartitionPlan& plan, size_t part) override {
    if (!settings_.verify_in_child_process) return std::nullopt;
    const Part& tried = plan.parts[part];
    for (const PartCall& call : calls_of(plan, part)) {
      const auto crash = crash_of(*tried.engine, {tried.graph, call});
      if (!crash) continue;
      const auto crashes = [&](const Extract& extract) { return crash_of(*tried.engine, extract).has_value(); };
      return failed(plan, part, call, "it " + *crash, crashes, /*is_crash=*/true);
    }
    return std::nullopt;
  }

  std::optional<TrialFinding> after(const PartitionPlan& plan, size_t part, const Executable& built) override {
    const Part& tried = plan.parts[part];
    for (const PartCall& call : calls_of(plan, part)) {
      std::vector<c10::IValue> given;
      try {
        given = run_alone(built, call);
      } catch (const std::exception& error) {
        if (!tried.engine->is_failure(error)) throw;
        // PyTorch's kernels take over what an engine refuses in one run, unless it runs the whole program.
        if (dynamic_cast<const InvalidInput*>(&error) != nullptr && !plan.is_whole()) continue;
        return failed(plan, part, call, "it fails: " + said_by(error),
                      [&](const Extract& extract) { return fails(*tried.engine, extract); });
      }
      if (auto finding = compared(plan, part, call, given)) return finding;
    }
    return std::nullopt;
  }

  std::vector<std::string> notes() const override { return notes_; }

 private:
  // What to try
  // ---------------------------------------------------------------------------------------------------------

  const std::vector<PartCall>& calls_of(const PartitionPlan& plan, size_t part) {
    std::vector<std::shared_ptr<const Graph>> graphs;
    for (const Part& one : plan.parts) graphs.push_back(one.graph);
    if (graphs != recorded_) {
      calls_.assign(plan.parts.size(), {});
      for (const Trial& trial : trials_of(*traced_, VerifyOptions().sizes)) record(plan, trial);
      recorded_ = std::move(graphs);
    }
    return calls_[part];
  }

  void record(const PartitionPlan& plan, const Trial& trial) {
    try {
      std::vector<PartCall> calls = part_calls(plan, *traced_, trial, state_);
      for (size_t part = 0; part < calls.size(); ++part) calls_[part].push_back(std::move(calls[part]));
    } catch (const InvalidInput& error) {
      note(std::string("verify: nothing was tried at ") + trial.name + ": " + said_by(error));
    }
  }

  void note(const std::string& text) {
    if (std::ranges::find(notes_, text) == notes_.end()) notes_.push_back(text);
  }

  /// The first nodes of a part, as a program of their own.
  static Extract extract(const PartitionPlan& plan, const Part& part, const PartCall& call, size_t count) {
    std::unordered_map<const Value*, at::Tensor> given;
    const RuntimeInputs inputs = runtime_inputs_of(*part.graph);
    for (size_t i = 0; i < inputs.size(); ++i) given.emplace(part.inputs[inputs[i]], call.inputs[i]);
    const ClonedRange cloned = clone_range(*plan.graph, std::span(part.nodes).first(count));
    Extract extract{cloned.graph, {call.at, call.sizes, {}, {}}};
    for (const size_t input : runtime_inputs_of(*cloned.graph)) {
      const auto found = given.find(cloned.inputs[input]);
      if (found == given.end()) throw Error("a part needs a value that it isn't given");
      extract.call.inputs.push_back(found->second);
    }
    return extract;
  }

  /// The part itself, without what it writes: a whole program gives that besides.
  static Extract whole_of(const PartitionPlan& plan, const Part& part, const PartCall& call) {
    if (!plan.is_whole()) return {part.graph, call};
    Extract whole = extract(plan, part, call, part.nodes.size());
    const auto eager = compile_reference(whole.graph, runtime_inputs_of(*whole.graph));
    whole.call.expected = run_alone(*eager, whole.call);
    return whole;
  }

  /// The nodes of a graph that are those of a part: they come last in it.
  static std::vector<const Node*> own_nodes(const Graph& graph, const Part& part) {
    std::vector<const Node*> nodes;
    for (const Node& node : graph.nodes()) nodes.push_back(&node);
    nodes.erase(nodes.begin(), nodes.end() - static_cast<std::ptrdiff_t>(part.nodes.size()));
    return nodes;
  }

  // Failures
  // ------------------------------------------------------------------------------------------------------------

  void run_once(const Engine& engine, const Extract& tried) const {
    const auto executable = engine.compile(tried.graph, runtime_inputs_of(*tried.graph), settings_);
    run_alone(*executable, tried.call);
  }

  bool fails(const Engine& engine, const Extract& tried) const {
    try {
      run_once(engine, tried);
    } catch (const RefusedNodes&) {
      return false;
    } catch (const std::exception& error) {
      if (!engine.is_failure(error)) throw;
      return true;
    }
    return false;
  }

  std::optional<std::string> crash_of(const Engine& engine, const Extract& tried) {
    if (late_.contains(engine.name())) return std::nullopt;
    const ChildEnd end = run_in_child([&] { run_once(engine, tried); }, kChildLimit, fork_);
    if (end.is_late) {
      late_.insert(engine.name());
      note("verify_in_child_process: " + engine.name() +
           " didn't end in a child process in five minutes, which says nothing of it: some engines can't work there");
    }
    return end.crash;
  }

  /// Tries more and more of the part: the first node with which it fails is at fault.
  template <typename Fails>
  static std::optional<size_t> first_failing(const PartitionPlan& plan, const Part& part, const PartCall& call,
                                             const Fails& fails) {
    try {
      size_t works = 0, bad = part.nodes.size();
      if (!fails(extract(plan, part, call, bad))) return std::nullopt;
      while (bad - works > 1) {
        const size_t middle = works + (bad - works) / 2;
        (fails(extract(plan, part, call, middle)) ? bad : works) = middle;
      }
      return bad - 1;
    } catch (const Error&) {  // it can't be cut there
      return std::nullopt;
    }
  }

  template <typename Fails>
  TrialFinding failed(const PartitionPlan& plan, size_t index, const PartCall& call, const std::string& problem,
                      const Fails& fails, bool is_crash = false) {
    const Part& part = plan.parts[index];
    TrialFinding finding{"verify: " + described(plan, index, call) + " " + problem, {}};
    if (const auto node = first_failing(plan, part, call, fails)) {
      const Node& at_fault = *own_nodes(*part.graph, part)[*node];
      finding.nodes.push_back({&at_fault, problem.substr(problem.find(' ') + 1)});
      finding.text += "\n  first in " + Call(at_fault).name();
      if (const std::string where = describe(at_fault.where(), *plan.graph); !where.empty())
        finding.text += "\n" + where;
    }
    return judged(std::move(finding), is_crash);
  }

  // Differences
  // ---------------------------------------------------------------------------------------------------------

  std::optional<TrialFinding> compared(const PartitionPlan& plan, size_t index, const PartCall& call,
                                       const std::vector<c10::IValue>& given) {
    const Part& part = plan.parts[index];
    const auto outputs = compare(named(call.expected), named(given), settings_.precision, std::nullopt);
    const auto wrong = std::ranges::find_if_not(outputs, &VerifiedOutput::is_equal);
    if (wrong == outputs.end()) return std::nullopt;
    TrialFinding finding{"verify: " + described(plan, index, call) +
                             " gives something else than eager's kernels: " + wrong->name + " " + wrong->problem,
                         {}};
    const Extract whole = whole_of(plan, part, call);
    const std::shared_ptr<const Graph> graph = whole.graph;
    const auto compile = [&](const std::shared_ptr<const Graph>& of) -> RunProgram {
      const std::shared_ptr<const Executable> executable = part.engine->compile(of, runtime_inputs_of(*of), settings_);
      return [executable, &whole](const std::vector<at::Tensor>& inputs) {
        return executable->run(inputs, whole.call.sizes);
      };
    };
    const Subject subject{part.engine->name(), nullptr, settings_.precision, graph, compile};
    const auto found = locate(graph, subject, whole.call.inputs, named(whole.call.expected), outputs, std::nullopt);
    if (!found) return std::nullopt;  // every call is right: the program amplifies rounding
    finding.text += "\n" + found->first.str();
    const std::vector<const Node*> theirs = own_nodes(*graph, part), own = own_nodes(*part.graph, part);
    for (const auto& [node, problem] : found->nodes) {
      const auto position = std::ranges::find(theirs, node) - theirs.begin();
      if (position == std::ssize(theirs)) continue;
      finding.nodes.push_back(
          {own[static_cast<size_t>(position)], "gives something else than eager's kernel: " + problem});
    }
    return judged(std::move(finding), false);
  }

  // What becomes of them
  // ------------------------------------------------------------------------------------------------

  static std::string described(const PartitionPlan& plan, size_t part, const PartCall& call) {
    std::string text = plan.parts[part].engine->name() + ", at " + call.at + ",";
    if (plan.is_whole()) return text;
    return text + " in part " + std::to_string(part) + " of " + std::to_string(plan.parts.size()) + " (" +
           std::to_string(plan.parts[part].nodes.size()) + " nodes):";
  }

  TrialFinding judged(TrialFinding finding, bool is_crash) const {
    const bool may_split = settings_.engine.may_split();
    if (settings_.verify == "error" || (is_crash && !may_split)) throw VerificationError(finding.text);
    finding.leaves_to_others = settings_.verify == "repair" || is_crash;
    if (finding.leaves_to_others) {
      finding.text += finding.nodes.empty() ? "\n  The next engine runs this part instead"
                                            : "\n  The next engine runs " + std::to_string(finding.nodes.size()) +
                                                  (finding.nodes.size() == 1 ? " call" : " calls") + " instead";
    }
    return finding;
  }

  std::shared_ptr<const Graph> traced_;
  const CompileSettings& settings_;
  const OwnState& state_;
  Fork fork_;
  std::vector<std::string> notes_;
  std::set<std::string> late_;                          // engines that hang in a child
  std::vector<std::shared_ptr<const Graph>> recorded_;  // the plan that the calls are of
  std::vector<std::vector<PartCall>> calls_;            // by part
};

}  // namespace

std::unique_ptr<PartTrial> make_part_verifier(std::shared_ptr<const Graph> graph, const CompileSettings& settings,
                                              const OwnState& state, Fork fork) {
  return std::make_unique<PartVerifier>(std::move(graph), settings, state, std::move(fork));
}

}  // namespace tracejet
