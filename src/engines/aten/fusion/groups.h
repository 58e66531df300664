#pragma once

#include <vector>

#include "ir/graph.h"

namespace tracejet::aten {

/// Nodes that one kernel can compute, in their order.
using FusionGroup = std::vector<const Node*>;

/// The groups of a graph, each node in one of them at most: as large as they get, and such that none needs what is
/// computed from its own results elsewhere. One call alone is a group where PyTorch has no kernel as fast.
std::vector<FusionGroup> find_fusion_groups(const Graph& graph, c10::DeviceType type);

/// Whether it is a copy that moves axes but the last one, so that a kernel of ours copies whole vectors; PyTorch's goes
/// from number to number.
bool copies_vectors(const Node& clone);

}  // namespace tracejet::aten
