#include "compile/partition/rivals.h"

#include <algorithm>

#include "base/error.h"
#include "compile/partition/race.h"
#include "engines/reference.h"

namespace tracejet {

Rivals::Rivals(const ChosenEngines& chosen, const CompileSettings& settings, CachedEngines& cached,
               const KeptParts& kept, PartTrial* trial, std::vector<std::string>& notes)
    : chosen_(chosen), settings_(settings), cached_(cached), kept_(kept), trial_(trial), notes_(notes) {}

void Rivals::note(const std::string& text) {
  if (std::ranges::find(notes_, text) == notes_.end()) notes_.push_back(text);
}

bool Rivals::may_win(const Engine& rival, const Part& part) const {
  if (&rival == part.engine.get() || !nodes_on_other_devices(*part.graph, rival).empty()) return false;
  if (settings_.effort == "max") return true;
  return is_reference(*part.engine) && rival.is_promising(*part.graph);
}

std::shared_ptr<const Executable> Rivals::compiled(const Engine& rival, const Part& part, const RuntimeInputs& inputs,
                                                   std::string& measured) {
  try {
    return cached_.compile(rival, part.graph, inputs);
  } catch (const RefusedNodes& refusal) {
    const auto& [node, reason] = refusal.nodes().front();
    measured = rival.name() + " doesn't take it: " + toString(node->op().operator_name()) + " " + reason;
  } catch (const std::exception& error) {
    if (settings_.pass_through_build_failures || !rival.is_failure(error)) throw;
    note(rival.name() + " failed to build what " + part.engine->name() + " runs instead: " + said_by(error));
  }
  return nullptr;
}

bool Rivals::passes_trial(const PartitionPlan& plan, size_t part, const Winner& rival) {
  if (trial_ == nullptr) return true;
  PartitionPlan with_rival = plan;
  with_rival.parts[part].engine = rival.engine;
  const auto finding = trial_->after(with_rival, part, *rival.executable);
  if (finding) note(finding->text);
  return !finding || !finding->leaves_to_others;
}

std::optional<Rivals::Winner> Rivals::as_before(const Part& part, const RuntimeInputs& inputs) {
  const std::string winner = kept_.engine_of(part);
  for (const auto& rival : chosen_.rivals) {
    if (rival->name() != winner || rival == part.engine) continue;
    std::string refused;
    if (auto executable = compiled(*rival, part, inputs, refused)) return Winner{rival, std::move(executable)};
  }
  return std::nullopt;
}

std::optional<Rivals::Winner> Rivals::faster(const PartitionPlan& plan, size_t index, const RuntimeInputs& inputs,
                                             const Executable& own, std::string& measured) {
  for (const std::string& misfit : chosen_.rival_misfits) note(misfit);
  const Part& part = plan.parts[index];
  if (!kept_.engine_of(part).empty()) return std::nullopt;  // it was faster before
  for (const auto& rival : chosen_.rivals) {
    if (!may_win(*rival, part)) continue;
    auto executable = compiled(*rival, part, inputs, measured);
    if (executable == nullptr) continue;
    const auto times = race(*part.graph, inputs, own, *executable);
    if (!times) {
      measured = rival->name() + " wasn't measured: nobody knows what to call this part with";
      continue;
    }
    measured = rival->name() + " " + in_milliseconds(times->rival) + ", " + part.engine->name() + " " +
               in_milliseconds(times->own);
    Winner winner{rival, std::move(executable)};
    if (times->rival_is_faster() && passes_trial(plan, index, winner)) return winner;
  }
  return std::nullopt;
}

}  // namespace tracejet
