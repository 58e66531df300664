#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "compile/partition/chosen_engines.h"
#include "compile/partition/part_trial.h"
#include "compile/partition/plan.h"
#include "compile/saved/saved_build.h"
#include "engines/engine.h"

namespace tracejet {

/// A program that engines have made ready to run, all of it or in parts.
struct BuiltProgram {
  /// Nodes that an engine can't run, and why.
  using Refusals = std::unordered_map<const Node*, std::string>;

  PartitionPlan plan;
  std::shared_ptr<const Executable> executable;  ///< null where the settings ask for the plan only
  /// What went otherwise than one may expect: engines that failed, settings that had no effect.
  std::vector<std::string> notes;
  /// What engines run otherwise than PyTorch for some data, by engine.
  std::map<std::string, std::vector<Unsupported>> warnings;
  std::vector<bool> is_cached;                                 ///< by part of the plan: it came from the engine cache
  std::vector<std::string> measured = {};                      ///< by part: see CompiledPart
  std::vector<std::shared_ptr<const Executable>> executables;  ///< of the plan's parts
  std::vector<std::string> engine_names;                       ///< those that were asked, in order of preference
  std::vector<Refusals> refused;                               ///< by engine
};

/// Builds a program with the engine that is chosen, or splits it between several. An engine that fails at a part leaves
/// it to the next, with a note. `traced`: the graph as it was before it was prepared for engines. `trial`: tries each
/// part before it is used; null where nobody asked for that.
///
/// `saved`: what was kept of an earlier build of the same program, in the place of all this, as far as it holds here;
/// or null. What is built again all the same has a note.
///
/// Throws UnsupportedOperator where the engines don't take the program, and what an engine throws that can't leave its
/// part to another.
BuiltProgram build(const std::shared_ptr<const Graph>& graph, const Graph& traced, const RuntimeInputs& inputs,
                   const ChosenEngines& chosen, const CompileSettings& settings, PartTrial* trial = nullptr,
                   const SavedBuild* saved = nullptr);

}  // namespace tracejet
