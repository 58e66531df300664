#include "engines/aten/passes/pool_channels_last.h"

#include <algorithm>

#include "engines/aten/fusion/max_pool_op.h"
#include "engines/aten/passes/layouts.h"
#include "engines/aten/passes/rewriting.h"
#include "engines/aten/passes/weights.h"
#include "ir/passes/dead_nodes.h"

namespace tracejet::aten {

namespace {

bool can_be_pooled(const Graph& graph, const Node& node) {
  if (!is_call_of(node, "aten::max_pool2d_with_indices")) return false;
  const TensorMeta& input = Call(node).tensor("self");
  const Value* places = node.outputs()[1];
  return input.device.is_cuda() && input.dim() == 4 && (input.dtype == at::kHalf || input.dtype == at::kBFloat16) &&
         (places == nullptr || (places->users().empty() && !graph.is_output(*places)));
}

}  // namespace

void pool_channels_last(Graph& graph) {
  if (!has_channels_last(graph, Weights(graph))) return;
  eliminate_dead_nodes(graph);  // they would count as readers
  for_each_node(graph, [&](const Node& node) {
    if (can_be_pooled(graph, node))
      replace_node(graph, node, max_pool_op(), {node.arguments().begin(), node.arguments().end()});
  });
}

}  // namespace tracejet::aten
