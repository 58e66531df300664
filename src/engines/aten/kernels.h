#pragma once

#include <vector>

#include "report/unsupported.h"

namespace tracejet::aten {

/// The nodes, those of subgraphs included, whose operators PyTorch can't run on the device that they are for: custom
/// ones that have a fake implementation only, or kernels for other devices.
std::vector<Unsupported> find_unsupported(const Graph& graph);

}  // namespace tracejet::aten
