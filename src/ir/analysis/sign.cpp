#include "ir/analysis/sign.h"

#include <string>
#include <unordered_set>

#include "ir/model_line.h"
#include "ir/schema.h"
#include "ir/size_expression.h"

namespace tracejet {

std::vector<RuntimeAssertion> sign_conditions(const Graph& graph) {
  std::vector<RuntimeAssertion> conditions;
  std::unordered_set<symbolic::Expression> met;
  for (const Node& node : graph.nodes()) {
    for (const Value* value : node.outputs()) {
      if (value == nullptr || !value->is_tensor()) continue;
      for (const c10::SymInt& size : value->tensor().sizes) {
        const symbolic::Expression expression = expression_of(size);
        if (expression.range().min >= 0 || !met.insert(expression).second) continue;
        const auto holds = symbolic::less_equal(0, expression);
        if (graph.shapes().decide(holds) == true) continue;
        conditions.push_back({holds, "[" + full_name(node.op()) + "] would give a tensor with a size of " +
                                         expression.str() + ", which is negative here\n" +
                                         describe(node.where(), graph)});
      }
    }
  }
  return conditions;
}

}  // namespace tracejet
