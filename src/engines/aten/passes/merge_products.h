#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// Products of the same rows with several weights, as an attention layer has for its query, key and value, as one with
/// all of them, in programs for GPUs. Small weights only: they are there twice then.
void merge_products(Graph& graph);

inline constexpr Pass kMergeProducts{"merge_products", merge_products};

}  // namespace tracejet::aten
