#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compile/partition/plan.h"
#include "engines/engine.h"
#include "ir/graph.h"

namespace tracejet {

/// The engines that a program is compiled for.
struct ChosenEngines {
  std::vector<std::shared_ptr<const Engine>> engines;  ///< in order of preference
  bool may_split;                                      ///< otherwise the only one runs all of it
  /// Of each engine: which setting it can't honour, in words; empty where it can do all that is asked for.
  std::vector<std::string> misfits;
  /// Engines that compile for long, and are held against those: see CompileSettings::effort.
  std::vector<std::shared_ptr<const Engine>> rivals = {};
  /// Why there are fewer of them than one may expect, in words.
  std::vector<std::string> rival_misfits = {};
};

/// Throws InvalidInput where there is no such engine, or where none of them can honour the settings. So it does where
/// the program isn't split and the engine doesn't run on its devices.
ChosenEngines chosen_engines(const Graph& graph, const CompileSettings& settings);

/// The nodes whose tensors are where the engine doesn't run.
std::vector<Unsupported> nodes_on_other_devices(const Graph& graph, const Engine& engine);

/// Throws UnsupportedOperator where a plan leaves a node to PyTorch's kernels: see require_full_compilation.
void require_no_fallback(const Graph& graph, const PartitionPlan& plan, const Engine& preferred);

}  // namespace tracejet
