#include "ir/analysis/sign.h"

#include <string>
#include <unordered_set>

#include "ir/model_line.h"
#include "ir/schema.h"
#include "ir/size_expression.h"

namespace tracejet {

namespace {

/// The sizes of a call's results that may be negative.
std::vector<symbolic::Expression> negative_sizes(const Graph& graph, const Node& node) {
  std::vector<symbolic::Expression> found;
  for (const Value* value : node.outputs()) {
    if (value == nullptr || !value->is_tensor()) continue;
    for (const c10::SymInt& size : value->tensor().sizes) {
      const symbolic::Expression expression = expression_of(size);
      if (expression.range().min >= 0) continue;
      if (graph.shapes().decide(symbolic::less_equal(0, expression)) != true) found.push_back(expression);
    }
  }
  return found;
}

}  // namespace

std::vector<RuntimeAssertion> sign_conditions(const Graph& graph) {
  std::vector<RuntimeAssertion> conditions;
  std::unordered_set<symbolic::Expression> met;
  for (const Node& node : graph.nodes()) {
    for (const symbolic::Expression& size : negative_sizes(graph, node)) {
      if (!met.insert(size).second) continue;
      conditions.push_back({symbolic::less_equal(0, size),
                            "[" + full_name(node.op()) + "] would give a tensor with a size of " + size.str() +
                                ", which is negative here\n" + describe(node.where(), graph)});
    }
  }
  return conditions;
}

bool may_have_negative_size(const Graph& graph, const Node& node) { return !negative_sizes(graph, node).empty(); }

}  // namespace tracejet
