#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compile/cache/cached_engines.h"
#include "compile/partition/chosen_engines.h"
#include "compile/partition/kept_parts.h"
#include "compile/partition/part_trial.h"
#include "compile/partition/plan.h"

namespace tracejet {

/// Holds what engines have made of the parts of a program against engines that compile for long: see
/// CompileSettings::effort.
class Rivals {
 public:
  /// What another engine made of a part.
  struct Winner {
    std::shared_ptr<const Engine> engine;
    std::shared_ptr<const Executable> executable;
  };

  /// `trial`: see build(). `notes` gets what failed.
  Rivals(const ChosenEngines& chosen, const CompileSettings& settings, CachedEngines& cached, const KeptParts& kept,
         PartTrial* trial, std::vector<std::string>& notes);

  /// Of a part that was won in an earlier build, which needn't be measured again.
  std::optional<Winner> as_before(const Part& part, const RuntimeInputs& inputs);

  /// Who runs a part clearly faster than `own`; nullopt where nobody does. `measured`: see CompiledPart.
  std::optional<Winner> faster(const PartitionPlan& plan, size_t part, const RuntimeInputs& inputs,
                               const Executable& own, std::string& measured);

 private:
  bool may_win(const Engine& rival, const Part& part) const;
  /// Null where it takes less than all of the part, or fails.
  std::shared_ptr<const Executable> compiled(const Engine& rival, const Part& part, const RuntimeInputs& inputs,
                                             std::string& measured);
  bool passes_trial(const PartitionPlan& plan, size_t part, const Winner& rival);
  void note(const std::string& text);

  const ChosenEngines& chosen_;
  const CompileSettings& settings_;
  CachedEngines& cached_;
  const KeptParts& kept_;
  PartTrial* trial_;
  std::vector<std::string>& notes_;
};

}  // namespace tracejet
