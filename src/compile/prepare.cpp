#include "compile/prepare.h"

#include <ATen/Context.h>

#include "ir/copy.h"
#include "ir/passes/common_subexpressions.h"
#include "ir/passes/constant_folding.h"
#include "ir/passes/dead_nodes.h"

namespace tracejet {

bool can_be_moved(const GraphInput& input) {
  return input.kind == GraphInput::Kind::kConstant && input.value != nullptr && input.data.defined() &&
         input.data.is_cpu() && input.value->tensor().device.is_cuda() && at::hasCUDA();
}

std::shared_ptr<const Graph> prepared_for_engines(const Graph& graph) {
  // A trace computes constants on a CPU, wherever the program runs.
  std::vector<at::Tensor> moved(graph.inputs().size());
  for (size_t i = 0; i < moved.size(); ++i) {
    const GraphInput& input = graph.inputs()[i];
    if (can_be_moved(input)) moved[i] = input.data.to(input.value->tensor().device);
  }
  const std::shared_ptr<Graph> copy = copy_with_weights(graph, moved).graph;
  for (const Pass& pass : {kFoldConstants, kMergeCommonSubexpressions, kEliminateDeadNodes}) {
    run_pass(pass, *copy);
  }
  return copy;
}

}  // namespace tracejet
