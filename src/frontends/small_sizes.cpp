// Branches of a model that only sizes of 0 and 1 take (`if x.shape[0] == 1:`): which of them make a difference.
//
// A trace goes the way of all other sizes. That is right at 0 and 1 too where the model, traced at that very size, does
// the same; so it is traced there once more, and the two programs are compared.
#include <algorithm>

#include "frontends/model_trace.h"
#include "ir/analysis/equivalence.h"
#include "ir/analysis/rank.h"
#include "symbolic/diagnosis.h"

namespace tracejet {

std::set<std::string> ModelTrace::violated_conditions(const std::unordered_set<size_t>& harmless) const {
  std::set<std::string> conditions;
  const auto diagnosis = symbolic::diagnose(tracer().shapes(), {asserts_relations(), harmless});
  for (const symbolic::Problem& problem : diagnosis.problems) {
    conditions.insert(in_words(problem.condition, tracer().symbol_axes()));
  }
  return conditions;
}

std::unordered_set<size_t> ModelTrace::guards_on_small_sizes() const {
  std::unordered_set<size_t> guards;
  for (const auto& open : symbolic::small_sizes(tracer().shapes())) guards.insert(open.guard);
  return guards;
}

const std::unordered_set<size_t>& ModelTrace::harmless_guards(ProofBudget& budget) const {
  if (harmless_) return *harmless_;
  harmless_.emplace();
  if (graph() == nullptr) return *harmless_;
  std::map<std::pair<std::string, int64_t>, bool> agrees;
  const auto open = symbolic::small_sizes(tracer().shapes());
  for (const auto& [guard, symbol, size] : open) harmless_->insert(guard);
  for (const auto& [guard, symbol, size] : open) {
    const auto [known, is_new] = agrees.try_emplace({symbol.name, size}, false);
    if (is_new) known->second = agrees_at(symbol.name, size, budget);
    if (!known->second) harmless_->erase(guard);
  }
  return *harmless_;
}

namespace {

bool computes_like(const Graph& general, const std::map<std::string, int64_t>& sizes, const Graph& special) {
  // Ranks that differ from the traced ones are right where they are in the model's own calls, which then come again.
  return rank_conditions(general).empty() ? computes_the_same(general, sizes, special)
                                          : makes_the_same_calls(general, sizes, special);
}

}  // namespace

bool ModelTrace::agrees_at(const std::string& dimension, int64_t size, ProofBudget& budget) const {
  if (budget.small_sizes == 0) return false;
  --budget.small_sizes;
  const Again again = trace_at(dimension, size);
  if (const auto* failure = std::get_if<Failure>(&again)) return *failure == Failure::kRefusedByModel;
  const ModelTrace& special = *std::get<std::shared_ptr<const ModelTrace>>(again);
  return gives_like(special) && computes_like(*graph(), {{dimension, size}}, *special.graph()) &&
         std::ranges::includes(violated_conditions(guards_on_small_sizes()),
                               special.violated_conditions(special.harmless_guards(budget)));
}

}  // namespace tracejet
