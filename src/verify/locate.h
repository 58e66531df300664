#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "verify/side_by_side.h"
#include "verify/verify.h"

namespace tracejet {

/// What a subject gets wrong.
struct Located {
  DifferingCall first;
  /// All nodes of the expected graph that differ, and how; empty where the call can't be told.
  std::vector<std::pair<const Node*, std::string>> nodes;
};

/// Looks for the call at fault where a subject's outcome isn't the expected one. nullopt: every call gives what eager's
/// kernel gives of the same operands, so that the program makes much of rounding.
///
/// The subject's program is compiled once more with all of its intermediate values as outputs. Eager's kernels then run
/// call by call, each on the subject's operands. Where the difference vanishes once values are outputs (engines compute
/// several calls as one), the value is searched that has to be one for it.
std::optional<Located> locate(const std::shared_ptr<const Graph>& graph, const Subject& subject,
                              const std::vector<at::Tensor>& inputs, const Outcome& expected,
                              const std::vector<VerifiedOutput>& found, std::optional<double> rounding);

}  // namespace tracejet
