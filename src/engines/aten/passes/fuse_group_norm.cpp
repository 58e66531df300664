#include "engines/aten/passes/fuse_group_norm.h"

#include <algorithm>

#include "engines/aten/fusion/group_norm_op.h"
#include "engines/aten/passes/layouts.h"
#include "engines/aten/passes/rewriting.h"
#include "engines/aten/passes/weights.h"
#include "ir/passes/dead_nodes.h"

namespace tracejet::aten {

namespace {

bool takes(const Graph& graph, const Node& node) {
  if (!is_call_of(node, "aten::native_group_norm")) return false;
  const TensorMeta& input = Call(node).tensor("input");
  const auto is_unread = [&](const Value* value) {
    return value == nullptr || (value->users().empty() && !graph.is_output(*value));
  };
  return input.device.is_cuda() && input.dim() == 4 && (input.dtype == at::kHalf || input.dtype == at::kBFloat16) &&
         std::all_of(std::next(node.outputs().begin()), node.outputs().end(), is_unread);
}

/// One call for the norm and, where it is another node, the last.
void replace(Graph& graph, const Node& norm, const Node& last, bool silu) {
  const auto argument = [&](const char* name) { return Call(norm).argument(name); };
  std::vector<Argument> arguments{argument("input"), argument("weight"), argument("bias"),
                                  argument("group"), argument("eps"),    silu};
  const Value& result = *last.outputs().front();
  const Node& own = graph.insert_node(last, group_norm_op(), std::move(arguments), {result.tensor()}, last.where());
  graph.replace_all_uses(result, *own.outputs().front());
  graph.erase(last);
  if (&norm != &last) graph.erase(norm);
}

}  // namespace

void fuse_group_norm(Graph& graph) {
  if (!has_channels_last(graph, Weights(graph))) return;
  eliminate_dead_nodes(graph);  // they would count as readers
  for_each_node(graph, [&](const Node& node) {
    if (takes(graph, node)) {
      const Node* reader = only_reader(graph, *node.outputs().front());
      if (reader == nullptr || !is_call_of(*reader, "aten::silu")) replace(graph, node, node, false);
    } else if (is_call_of(node, "aten::silu")) {
      const Value& normed = Call(node).value("self");
      if (normed.producer() != nullptr && takes(graph, *normed.producer()) && only_reader(graph, normed) == &node)
        replace(graph, *normed.producer(), node, true);
    }
  });
}

}  // namespace tracejet::aten
