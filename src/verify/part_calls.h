#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "compile/partition/plan.h"
#include "engines/runtime_sizes.h"
#include "ir/graph.h"
#include "ir/own_state.h"
#include "verify/trial_sizes.h"

namespace tracejet {

/// What a part of a program is called with in one run, and what eager's kernels give then.
struct PartCall {
  std::string at;  ///< "min (batch=1)"
  RuntimeSizes sizes;
  std::vector<at::Tensor> inputs;     ///< as Executable::run takes them
  std::vector<c10::IValue> expected;  ///< as it gives them
};

/// Of each part of a plan, in one run of the program that eager's kernels do.
/// `traced`: the graph that the plan's was prepared from. `state`: see ProgramRunner.
/// Throws InvalidInput where no random inputs were found that the program takes.
std::vector<PartCall> part_calls(const PartitionPlan& plan, const Graph& traced, const Trial& trial,
                                 const OwnState& state);

}  // namespace tracejet
