#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"
#include "report/unsupported.h"
#include "tracejet/compile.h"

namespace tracejet {

struct TorchExecuted {
  std::vector<Unsupported> nodes;      ///< with the setting that names them
  std::vector<std::string> unmatched;  ///< what the settings name and the program doesn't have, in words
};

/// The nodes that the settings leave to PyTorch's kernels: torch_executed_ops and torch_executed_modules. What they
/// name may be gone from `graph`, which is prepared for engines: it is unmatched where `traced` doesn't have it either.
/// Throws InvalidInput where PyTorch has no such operator.
TorchExecuted torch_executed_in(const Graph& graph, const Graph& traced, const CompileSettings& settings);

}  // namespace tracejet
