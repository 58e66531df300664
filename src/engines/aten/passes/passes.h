#pragma once

#include <memory>
#include <span>

#include "ir/passes/pass.h"
#include "tracejet/compile.h"

namespace tracejet::aten {

/// What a program goes through before PyTorch's kernels run it, in this order.
std::span<const Pass> passes();

/// Throws InvalidInput where the settings skip a pass that there isn't.
void check_skipped_passes(const CompileSettings& settings);

/// The program after the passes that the settings leave, in the precision that they ask for. Its weights are fixed from
/// here on.
std::shared_ptr<const Graph> optimized(const std::shared_ptr<const Graph>& graph, const CompileSettings& settings);

}  // namespace tracejet::aten
