#pragma once

#include "ir/passes/pass.h"

namespace tracejet {

/// Computes once what several calls compute alike: the same operator of PyTorch's on the same operands. Calls with
/// effects, random and uninitialized ones stay, and so does what the program gives: nobody may see that two of its
/// results are one tensor.
void merge_common_subexpressions(Graph& graph);

inline constexpr Pass kMergeCommonSubexpressions{"merge_common_subexpressions", merge_common_subexpressions};

}  // namespace tracejet
