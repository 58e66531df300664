#include "compile/partition/build.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "compile/cache/cached_engines.h"
#include "compile/engine_support.h"
#include "compile/partition/bodies.h"
#include "compile/partition/kept_parts.h"
#include "compile/partition/partitioner.h"
#include "compile/partition/rivals.h"
#include "compile/partition/split_executable.h"
#include "compile/partition/torch_executed.h"
#include "engines/reference.h"
#include "ir/call.h"
#include "report/words.h"

namespace tracejet {

namespace {

struct Built {
  std::shared_ptr<const Executable> executable;
  std::vector<BodyPlan> bodies;                    // of control flow in it
  std::shared_ptr<const Engine> engine = nullptr;  // another than the plan has
  std::string measured = {};
};

class Builder {
 public:
  Builder(std::shared_ptr<const Graph> graph, const Graph& traced, const RuntimeInputs& inputs,
          const ChosenEngines& chosen, const CompileSettings& settings, PartTrial* trial, const SavedBuild* saved)
      : graph_(std::move(graph)),
        traced_(traced),
        trial_(trial),
        inputs_(inputs),
        chosen_(chosen),
        engines_(chosen.engines),
        settings_(settings),
        partitioner_(graph_, chosen.engines, least_block(settings)),
        kept_(graph_, saved),
        cached_(traced, settings, notes_),
        rivals_(chosen, settings, cached_, kept_, trial, notes_) {}

  BuiltProgram run() {
    leave_to_torch();
    take_over_refusals();
    for (size_t i = 0; i < engines_.size(); ++i) partitioner_.refuse(i, nodes_on_other_devices(*graph_, *engines_[i]));
    if (auto whole = built_as_a_whole()) {
      built_ = {*std::move(whole)};
      return result(whole_plan(graph_, engines_.front()));
    }
    for (size_t i = 0; i < engines_.size(); ++i) ask(i);
    for (;;) {
      PartitionPlan plan = partitioner_.plan();
      if (settings_.require_full_compilation) require_no_fallback(*graph_, plan, *engines_.front());
      if (settings_.dryrun ? !all_taken(plan) : !all_compiled(plan)) continue;
      return result(std::move(plan));
    }
  }

 private:
  /// Blocks aren't left to another engine where that would be an error.
  static size_t least_block(const CompileSettings& settings) {
    return settings.require_full_compilation ? 1 : static_cast<size_t>(settings.min_block_size);
  }

  size_t last() const { return engines_.size() - 1; }

  void leave_to_torch() {
    TorchExecuted found = torch_executed_in(*graph_, traced_, settings_);
    for (size_t i = 0; i < last(); ++i) partitioner_.refuse(i, found.nodes);
    notes_ = std::move(found.unmatched);
  }

  /// What an earlier build has learned needn't be asked again.
  void take_over_refusals() {
    const auto refused = kept_.refused(engines_);
    if (!refused) return;
    for (size_t engine = 0; engine < refused->size(); ++engine) partitioner_.refuse(engine, (*refused)[engine]);
    knows_refusals_ = true;
  }

  /// Most programs run on the first engine as they are: then nobody needs to be asked before.
  std::optional<Built> built_as_a_whole() {
    if (settings_.dryrun || !partitioner_.assignment().takes_all(0)) return std::nullopt;
    if (settings_.require_full_compilation && is_reference(*engines_.front())) return std::nullopt;
    return tried(whole_plan(graph_, engines_.front()), 0, inputs_);
  }

  void ask(size_t engine) {
    if (knows_refusals_ || (engine == 0 && has_said_what_it_refuses_)) return;
    const auto takes = [&](const Node& node) { return partitioner_.assignment().takes(engine, node); };
    if (std::ranges::none_of(graph_->nodes(), takes)) return;
    partitioner_.refuse(engine, refused_by(*engines_[engine], graph_, inputs_));
  }

  /// All of it, where the engine fails to say.
  std::vector<Unsupported> refused_by(const Engine& engine, const std::shared_ptr<const Graph>& graph,
                                      const RuntimeInputs& inputs) {
    try {
      std::vector<Unsupported> refused = cached_.find_unsupported(engine, graph, inputs);
      if (settings_.dryrun)
        std::ranges::move(engine.find_warnings(graph, inputs, settings_), std::back_inserter(refused));
      return refused;
    } catch (const std::exception& error) {
      if (is_the_users(error, engine)) throw;
      notes_.push_back(engine.name() + " failed to say what it takes of " +
                       count_in_words(std::ssize(graph->nodes()), "node") +
                       " of this program, which go to the next engine: " + said_by(error));
      std::vector<Unsupported> all;
      for (const Node& node : graph->nodes()) {
        all.push_back({&node, std::string("isn't known to be taken: ") + said_by(error)});
      }
      return all;
    }
  }

  /// Nothing where the engine leaves some of it to others, or gets some of it wrong.
  std::optional<Built> tried(const PartitionPlan& plan, size_t index, const RuntimeInputs& inputs) {
    const Part& part = plan.parts[index];
    if (trial_ == nullptr || is_reference(*part.engine)) return compiled(part, inputs);
    if (const auto finding = trial_->before(plan, index)) {
      leave_to_others(part, *finding);
      return std::nullopt;
    }
    auto built = compiled(part, inputs);
    if (!built) return std::nullopt;
    const auto finding = trial_->after(plan, index, *built->executable);
    if (finding && finding->leaves_to_others) {
      leave_to_others(part, *finding);
      return std::nullopt;
    }
    if (finding) notes_.push_back(finding->text);
    return built;
  }

  void leave_to_others(const Part& part, const TrialFinding& finding) {
    notes_.push_back(finding.text);
    const size_t before = partitioner_.assignment().count();
    partitioner_.refuse(part, finding.nodes);
    if (partitioner_.assignment().count() == before) partitioner_.refuse_all(part, "is in a part that it gets wrong");
  }

  /// Nothing where the engine leaves some of it to others, or may run some of it otherwise than PyTorch.
  std::optional<Built> compiled(const Part& part, const RuntimeInputs& inputs) {
    const bool is_last = part.engine == engines_.back();
    const size_t before = partitioner_.assignment().count();
    if (auto won = rivals_.as_before(part, inputs)) return Built{std::move(won->executable), {}, won->engine};
    if (auto executable = kept_.load(part, inputs, settings_)) return Built{std::move(executable), {}};
    try {
      if (is_reference(*part.engine)) return compiled_by_torch(part, inputs);
      Built built{cached_.compile(*part.engine, part.graph, inputs), {}};
      const auto doubtful = built.executable->warnings();
      if (is_last || doubtful.empty()) return built;
      partitioner_.refuse(part, doubtful);
      if (partitioner_.assignment().count() == before) partitioner_.refuse_all(part, doubtful.front().reason);
    } catch (const RefusedNodes& refusal) {
      if (is_last || (refusal.is_late() && settings_.pass_through_build_failures)) throw;
      if (refusal.is_late()) note_failure(part, said_by(refusal));
      has_said_what_it_refuses_ = has_said_what_it_refuses_ || (part.graph == graph_ && !refusal.is_late());
      partitioner_.refuse(part, refusal.nodes());
      if (partitioner_.assignment().count() == before) partitioner_.refuse_all(part, said_by(refusal));
    } catch (const std::exception& error) {
      if (is_the_users(error, *part.engine)) throw;
      note_failure(part, said_by(error));
      partitioner_.refuse_all(part, "failed to build it: " + said_by(error));
    }
    return std::nullopt;
  }

  Built compiled_by_torch(const Part& part, const RuntimeInputs& inputs) {
    Bodies bodies(chosen_, settings_);
    auto executable = bodies.compile(part, inputs);
    for (std::string& note : bodies.take_notes()) notes_.push_back(std::move(note));
    return {std::move(executable), bodies.take_plans()};
  }

  /// Whether nobody but the user can do something about an error.
  bool is_the_users(const std::exception& error, const Engine& engine) const {
    return &engine == engines_.back().get() || settings_.pass_through_build_failures || !engine.is_failure(error);
  }

  void note_failure(const Part& part, const std::string& error) {
    notes_.push_back(part.engine->name() + " failed to build " + count_in_words(std::ssize(part.nodes), "node") +
                     " of this program, which go to the next engine: " + error);
  }

  bool all_compiled(const PartitionPlan& plan) {
    built_.clear();
    for (size_t i = 0; i < plan.parts.size(); ++i) {
      const Part& part = plan.parts[i];
      auto known = std::ranges::find_if(compiled_, [&](const auto& one) { return is_same(one.first, part); });
      if (known == compiled_.end()) {
        auto built = tried(plan, i, part.graph == graph_ ? inputs_ : runtime_inputs_of(*part.graph));
        if (!built) return false;
        known = compiled_.insert(compiled_.end(), {part, *std::move(built)});
      }
      built_.push_back(known->second);
    }
    return true;
  }

  static bool is_same(const Part& a, const Part& b) {
    return a.engine == b.engine && a.nodes == b.nodes && a.inputs == b.inputs && a.outputs == b.outputs;
  }

  /// Asks about the parts as they are cut: an engine may take a call only where it sees what it works on.
  bool all_taken(const PartitionPlan& plan) {
    bool is_taken = true;
    for (const Part& part : plan.parts) {
      if (part.engine == engines_.back() || part.graph == graph_) continue;
      const auto refused = refused_by(*part.engine, part.graph, runtime_inputs_of(*part.graph));
      if (refused.empty()) continue;
      const size_t before = partitioner_.assignment().count();
      partitioner_.refuse(part, refused);
      if (partitioner_.assignment().count() == before) partitioner_.refuse_all(part, refused.front().reason);
      is_taken = false;
    }
    return is_taken;
  }

  /// Other engines take over what they run faster.
  void hold_against_rivals(PartitionPlan& plan) {
    for (size_t i = 0; i < built_.size(); ++i) {
      Built& built = built_[i];
      Part& part = plan.parts[i];
      const RuntimeInputs inputs = part.graph == graph_ ? inputs_ : runtime_inputs_of(*part.graph);
      if (built.engine == nullptr) {
        if (auto won = rivals_.faster(plan, i, inputs, *built.executable, built.measured)) {
          built = {std::move(won->executable), {}, std::move(won->engine), std::move(built.measured)};
        }
      }
      if (built.engine == nullptr) continue;
      part.engine = built.engine;
      const std::unordered_set<const Node*> nodes(part.nodes.begin(), part.nodes.end());
      for (Fallback& fallback : plan.fallbacks) {
        if (nodes.contains(fallback.node)) fallback.engine = part.engine->name();
      }
    }
  }

  BuiltProgram result(PartitionPlan plan) {
    hold_against_rivals(plan);
    add_notes_of_misfits(plan);
    if (trial_ != nullptr) std::ranges::copy(trial_->notes(), std::back_inserter(notes_));
    for (std::string& note : kept_.take_notes()) notes_.push_back(std::move(note));
    if (settings_.dryrun) plan_bodies(plan);
    BuiltProgram program{std::move(plan), nullptr, std::move(notes_), {}, {}};
    if (settings_.dryrun) return program;
    for (size_t i = 0; i < engines_.size(); ++i) {
      program.engine_names.push_back(engines_[i]->name());
      program.refused.push_back(partitioner_.assignment().refused(i));
    }
    std::vector<std::shared_ptr<const Executable>>& executables = program.executables;
    for (size_t i = 0; i < built_.size(); ++i) {
      program.is_cached.push_back(cached_.is_cached(*built_[i].executable));
      program.measured.push_back(built_[i].measured);
      std::vector<Unsupported>& warnings = program.warnings[program.plan.parts[i].engine->name()];
      for (Unsupported& warning : built_[i].executable->warnings()) warnings.push_back(std::move(warning));
      std::ranges::move(built_[i].bodies, std::back_inserter(program.plan.bodies));
      executables.push_back(built_[i].executable);
    }
    if (program.plan.is_whole()) {
      program.executable = executables.front();
    } else {
      program.executable = std::make_shared<SplitExecutable>(program.plan, inputs_, executables);
    }
    return program;
  }

  void plan_bodies(PartitionPlan& plan) {
    Bodies bodies(chosen_, settings_);
    for (const Part& part : plan.parts) {
      if (is_reference(*part.engine)) bodies.plan(part);
    }
    plan.bodies = bodies.take_plans();
  }

  void add_notes_of_misfits(const PartitionPlan& plan) {
    for (size_t i = 0; i < engines_.size(); ++i) {
      if (!chosen_.misfits[i].empty() && std::ranges::count(plan.parts, engines_[i], &Part::engine) > 0)
        notes_.push_back(chosen_.misfits[i] + "; it runs a part of this program all the same, without that");
    }
  }

  std::shared_ptr<const Graph> graph_;
  const Graph& traced_;
  PartTrial* trial_;
  const RuntimeInputs& inputs_;
  const ChosenEngines& chosen_;
  const std::vector<std::shared_ptr<const Engine>>& engines_;
  const CompileSettings& settings_;
  Partitioner partitioner_;
  KeptParts kept_;
  bool knows_refusals_ = false;
  std::vector<std::string> notes_;
  CachedEngines cached_;
  Rivals rivals_;
  bool has_said_what_it_refuses_ = false;         // the first engine, of the whole program
  std::vector<std::pair<Part, Built>> compiled_;  // for any plan
  std::vector<Built> built_;                      // for the plan at hand
};

}  // namespace

BuiltProgram build(const std::shared_ptr<const Graph>& graph, const Graph& traced, const RuntimeInputs& inputs,
                   const ChosenEngines& chosen, const CompileSettings& settings, PartTrial* trial,
                   const SavedBuild* saved) {
  if (chosen.may_split) return Builder(graph, traced, inputs, chosen, settings, trial, saved).run();
  const auto& engine = chosen.engines.front();
  if (settings.dryrun) {
    require_supported(*engine, graph, inputs, settings);
    return {whole_plan(graph, engine), nullptr, {}, {}, {}};
  }
  BuiltProgram built{whole_plan(graph, engine), nullptr, {}, {}, {}};
  KeptParts kept(graph, saved);
  CachedEngines cached(traced, settings, built.notes);
  built.executable = kept.load(built.plan.parts.front(), inputs, settings);
  const bool is_tried = built.executable == nullptr && trial != nullptr && !is_reference(*engine);
  if (is_tried) (void)trial->before(built.plan, 0);
  if (built.executable == nullptr && is_reference(*engine)) {
    require_supported(*engine, graph, inputs, settings);
    built.executable = compile_with_bodies(graph, inputs, settings, {}, built.notes);
  }
  if (built.executable == nullptr) built.executable = compile_or_advise(*engine, graph, inputs, cached);
  for (std::string& note : kept.take_notes()) built.notes.push_back(std::move(note));
  built.is_cached = {cached.is_cached(*built.executable)};
  built.executables = {built.executable};
  built.engine_names = {engine->name()};
  built.refused.resize(1);
  if (is_tried) {
    if (auto finding = trial->after(built.plan, 0, *built.executable)) built.notes.push_back(std::move(finding->text));
    std::ranges::copy(trial->notes(), std::back_inserter(built.notes));
  }
  built.warnings[engine->name()] = built.executable->warnings();
  return built;
}

}  // namespace tracejet
