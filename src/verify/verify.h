#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/own_state.h"
#include "tracejet/verify.h"

namespace tracejet {

class ProgramRunner;

/// Runs on the user's tensors and gives all outputs of the user, as ProgramRunner::run_for_all_outputs.
using RunProgram = std::function<std::vector<c10::IValue>(const std::vector<at::Tensor>&)>;

/// What is held against eager's kernels.
struct Subject {
  std::string name;
  RunProgram run;
  at::ScalarType precision = at::kFloat;
  /// What it was compiled from, and how to compile another; null where nobody knows, and then the call at fault isn't
  /// looked for.
  std::shared_ptr<const Graph> graph = nullptr;
  std::function<RunProgram(std::shared_ptr<const Graph>)> compile = nullptr;
  /// What it keeps between calls in the place of the graph's own tensors, by index of its inputs.
  OwnState state = {};
};

/// A compiled program as a subject.
Subject subject_of(const std::shared_ptr<const ProgramRunner>& compiled);

/// `output_names`: of the user's outputs; "output 0", ... where empty.
Verification verify(const std::shared_ptr<const Graph>& graph, const Subject& subject,
                    const std::vector<std::vector<at::Tensor>>& inputs, const VerifyOptions& options,
                    const std::vector<std::string>& output_names = {});

}  // namespace tracejet
