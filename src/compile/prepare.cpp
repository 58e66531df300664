#include "compile/prepare.h"

#include "ir/copy.h"
#include "ir/passes/common_subexpressions.h"
#include "ir/passes/constant_folding.h"
#include "ir/passes/dead_nodes.h"

namespace tracejet {

std::shared_ptr<const Graph> prepared_for_engines(const Graph& graph) {
  const std::shared_ptr<Graph> copy = copy_with_outputs(graph, {}).graph;
  for (const Pass& pass : {kFoldConstants, kMergeCommonSubexpressions, kEliminateDeadNodes}) {
    run_pass(pass, *copy, /*verifies=*/false);
  }
  return copy;
}

}  // namespace tracejet
