// Branches of a model that only sizes of 0 and 1 take (`if x.shape[0] == 1:`): which of them make a difference.
//
// A trace goes the way of all other sizes. That is right at 0 and 1 too where the model, traced at that very size, does
// the same; so it is traced there once more, and the two programs are compared.
#include <algorithm>
#include <map>

#include "frontends/retrace.h"
#include "ir/analysis/equivalence.h"
#include "ir/analysis/rank.h"
#include "symbolic/diagnosis.h"

namespace tracejet {

namespace {

Guards guards_on_small_sizes(const ModelTrace& trace) {
  Guards guards;
  for (const auto& open : symbolic::small_sizes(trace.tracer().shapes())) guards.insert(open.guard);
  return guards;
}

bool computes_like(const Graph& general, const std::map<std::string, int64_t>& sizes, const Graph& special) {
  // Ranks that differ from the traced ones are right where they are in the model's own calls, which then come again.
  return rank_conditions(general).empty() ? computes_the_same(general, sizes, special)
                                          : makes_the_same_calls(general, sizes, special);
}

/// The model itself refuses such sizes; eager would, too.
bool is_of_model(Failure failure) { return failure == Failure::kShape || failure == Failure::kOfModel; }

/// `refused`: takes the sizes that the model refuses.
bool agrees_at(Traces& traces, const ModelTrace& general, const symbolic::SmallSize& open,
               std::vector<RefusedSizes>& refused) {
  if (traces.budget().small_sizes == 0) return false;
  --traces.budget().small_sizes;
  if (!general.variation().data.empty()) return false;  // at another size the model may ask other questions about data
  Variation variation{.sizes = general.variation().sizes};
  variation.sizes[open.symbol.name] = open.size;
  const Attempt attempt = traces.attempt(variation);
  if (!attempt.succeeded()) {
    const bool is_refused = is_of_model(*attempt.failure);
    if (is_refused) refused.push_back({variation.sizes, open.guard});
    return is_refused;
  }
  const ModelTrace& special = *attempt.trace;
  if (!general.gives_like(special) ||
      !computes_like(*general.graph(), {{open.symbol.name, open.size}}, *special.graph()))
    return false;
  SmallSizes others = judge_small_sizes(traces, special);
  for (RefusedSizes& together : others.refused) refused.push_back({std::move(together.sizes), open.guard});
  return std::ranges::includes(general.violated_conditions(guards_on_small_sizes(general)),
                               special.violated_conditions(others.harmless));
}

}  // namespace

SmallSizes judge_small_sizes(Traces& traces, const ModelTrace& trace) {
  SmallSizes judged;
  if (trace.graph() == nullptr) return judged;
  std::map<std::pair<std::string, int64_t>, bool> agrees;
  const auto all_open = symbolic::small_sizes(trace.tracer().shapes());
  for (const symbolic::SmallSize& open : all_open) judged.harmless.insert(open.guard);
  for (const symbolic::SmallSize& open : all_open) {
    const auto [known, is_new] = agrees.try_emplace({open.symbol.name, open.size}, false);
    if (is_new) known->second = agrees_at(traces, trace, open, judged.refused);
    if (!known->second) judged.harmless.erase(open.guard);
  }
  return judged;
}

}  // namespace tracejet
