#include "compile/size_assertions.h"

#include <utility>

#include "ir/analysis/call_conditions.h"
#include "ir/analysis/rank.h"
#include "symbolic/context.h"

namespace tracejet {

std::vector<RuntimeAssertion> size_assertions(const Graph& graph, bool takes_ranks_from_data) {
  std::vector<RuntimeAssertion> assertions;
  const auto add = [&](RuntimeAssertion assertion) {
    if (!symbolic::is_data_dependent(assertion.condition)) assertions.push_back(std::move(assertion));
  };
  for (const Node& node : graph.nodes()) {
    if (auto assertion = assertion_of(node)) add(*std::move(assertion));
  }
  for (RuntimeAssertion& condition : call_conditions(graph)) add(std::move(condition));
  if (takes_ranks_from_data) return assertions;
  for (RuntimeAssertion& condition : rank_conditions(graph)) add(std::move(condition));
  return assertions;
}

}  // namespace tracejet
