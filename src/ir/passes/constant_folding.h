#pragma once

#include "ir/analysis/evaluate.h"
#include "ir/passes/pass.h"

namespace tracejet {

/// Computes ahead what follows from numbers alone (masks, positions), where it is small and on a CPU. Tensors of the
/// model are no constants here: somebody may change them later. What the program gives stays computed in each run,
/// since who gets it may write to it. Needs eliminate_dead_nodes() afterwards.
void fold_constants(Graph& graph);

/// The same on any device that is there, with weights that are small and the same in every run: `weight` gives their
/// data, on a CPU, where it is computed, too.
void fold_weights(Graph& graph, const KnownData& weight);

inline constexpr Pass kFoldConstants{"fold_constants", fold_constants};

}  // namespace tracejet
