#pragma once

#include <cstddef>
#include <vector>

#include "ir/graph.h"

namespace tracejet {

/// A node as partitioning sees it.
struct PlannedNode {
  const Node* node;
  /// Which of the nodes have to run before: those that compute what it needs, and the last one with an effect.
  std::vector<size_t> after;
  /// The nodes that read the numbers which it needs from tensors.
  std::vector<const Node*> number_reads;
  bool is_assertion = false;
  /// Computed from weights alone: it may run anywhere before it is needed.
  bool is_fixed = false;
};

/// The nodes that parts of a program are made of, in the order of execution. Left out are those that only read a number
/// from a tensor, which are cloned into each part that needs the number, and assertions on sizes of inputs, which are
/// checked before a run.
std::vector<PlannedNode> planned_nodes(const Graph& graph);

/// The node that gives a number which others need and no call but its own can compute; null where there is none. Such a
/// program can't be cut.
const Node* find_uncuttable(const Graph& graph);

}  // namespace tracejet
