#pragma once

#include <optional>
#include <unordered_set>

#include "compile/partition/plan.h"

namespace tracejet {

/// The calls that read those numbers from tensors which a program gives and no part of it does, as one more part for
/// PyTorch's kernels; nullopt where there are none. `given`: the values that parts give.
std::optional<Part> number_reads_for_outputs(const Graph& graph, const std::unordered_set<const Value*>& given);

}  // namespace tracejet
