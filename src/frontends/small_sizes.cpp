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

bool agrees_at(Traces& traces, const ModelTrace& general, const std::string& dimension, int64_t size) {
  if (traces.budget().small_sizes == 0) return false;
  --traces.budget().small_sizes;
  if (!general.variation().data.empty()) return false;  // at another size the model may ask other questions about data
  const Attempt attempt = traces.attempt({.sizes = {{dimension, size}}});
  if (!attempt.succeeded()) return is_of_model(*attempt.failure);
  const ModelTrace& special = *attempt.trace;
  return general.gives_like(special) && computes_like(*general.graph(), {{dimension, size}}, *special.graph()) &&
         std::ranges::includes(general.violated_conditions(guards_on_small_sizes(general)),
                               special.violated_conditions(harmless_guards(traces, special)));
}

}  // namespace

Guards harmless_guards(Traces& traces, const ModelTrace& trace) {
  Guards harmless;
  if (trace.graph() == nullptr) return harmless;
  std::map<std::pair<std::string, int64_t>, bool> agrees;
  const auto open = symbolic::small_sizes(trace.tracer().shapes());
  for (const auto& [guard, symbol, size] : open) harmless.insert(guard);
  for (const auto& [guard, symbol, size] : open) {
    const auto [known, is_new] = agrees.try_emplace({symbol.name, size}, false);
    if (is_new) known->second = agrees_at(traces, trace, symbol.name, size);
    if (!known->second) harmless.erase(guard);
  }
  return harmless;
}

}  // namespace tracejet
