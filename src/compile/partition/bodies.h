#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compile/partition/build.h"
#include "engines/reference.h"

namespace tracejet {

/// PyTorch's kernels run control flow, but not all that is in it: each body is split as a program of its own. What it
/// takes from the graph around that is a weight there is one in it, too.
class Bodies {
 public:
  Bodies(const ChosenEngines& chosen, const CompileSettings& settings);

  /// For the nodes of control flow in `part`, which PyTorch's kernels run.
  std::unique_ptr<Executable> compile(const Part& part, const RuntimeInputs& inputs);
  /// Splits them only.
  void plan(const Part& part);

  /// What came of it, in the order of the nodes, and what went otherwise than one may expect.
  std::vector<BodyPlan> take_plans() { return std::move(plans_); }
  std::vector<std::string> take_notes() { return std::move(notes_); }

 private:
  std::shared_ptr<const Executable> built(const std::shared_ptr<const Graph>& around, const Node& node,
                                          const std::shared_ptr<const Graph>& body);

  const ChosenEngines& chosen_;
  CompileSettings settings_;
  std::vector<BodyPlan> plans_;
  std::vector<std::string> notes_;
};

}  // namespace tracejet
