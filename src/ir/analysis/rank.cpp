#include "ir/analysis/rank.h"

#include "ir/call.h"
#include "ir/model_line.h"
#include "ir/size_expression.h"

namespace tracejet {

namespace {

bool is_squeeze(const Node& node) { return node.op().operator_name().name == "aten::squeeze"; }

void add_conditions(const Node& node, const Graph& graph, std::vector<RuntimeAssertion>& conditions) {
  const Call call(node);
  const TensorMeta& self = call.tensor("self");
  std::vector<bool> is_named(self.sizes.size(), !call.declares("dim"));
  if (call.declares("dim")) {
    for (const int64_t axis : call.axes("dim", self.dim())) {
      if (axis < self.dim()) is_named[static_cast<size_t>(axis)] = true;
    }
  }
  for (size_t axis = 0; axis < self.sizes.size(); ++axis) {
    if (!is_named[axis]) continue;
    const symbolic::Expression size = expression_of(self.sizes[axis]);
    const auto differs = symbolic::not_equal(size, 1);
    if (size.is_constant() || graph.shapes().decide(differs) == true) continue;
    conditions.push_back({differs, "axis " + std::to_string(axis) + " (" + size.str() +
                                       ") is 1 here, and squeeze takes it away: the ranks of this program's tensors "
                                       "are then others than those that it is compiled for; compile a program of its "
                                       "own for this size, or run all of it on PyTorch's kernels\n" +
                                       describe(node.where(), graph)});
  }
}

}  // namespace

std::vector<RuntimeAssertion> rank_conditions(const Graph& graph) {
  std::vector<RuntimeAssertion> conditions;
  for (const Node& node : graph.nodes()) {
    if (is_squeeze(node)) add_conditions(node, graph, conditions);
    for (const auto& subgraph : node.subgraphs()) {
      for (RuntimeAssertion& inside : rank_conditions(*subgraph)) conditions.push_back(std::move(inside));
    }
  }
  return conditions;
}

}  // namespace tracejet
