#pragma once

#include <memory>

#include <ATen/core/Tensor.h>

#include "base/child_process.h"
#include "compile/partition/part_trial.h"
#include "ir/graph.h"
#include "ir/own_state.h"
#include "tracejet/compile.h"

namespace tracejet {

/// Holds each part of a program against eager's kernels, at the least, the usual and the greatest sizes, and finds the
/// calls at fault. Parts take what eager's kernels give, so that a part isn't blamed for another.
/// `state`: see ProgramRunner. `fork`: makes child processes.
std::unique_ptr<PartTrial> make_part_verifier(std::shared_ptr<const Graph> graph, const CompileSettings& settings,
                                              const OwnState& state, Fork fork);

}  // namespace tracejet
