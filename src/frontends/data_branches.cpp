// Branches of a model on its data (`if not mask.any(): mask = None`): which of them one program can serve.
//
// A trace has no data to go by. But often one way is right for all data, and the other merely spares work: masking with
// a mask of which nothing is true changes nothing. So the model is traced both ways, and where the program of one
// computes what the other does for data that go there, it is taken.
#include <algorithm>

#include "frontends/retrace.h"
#include "ir/analysis/equivalence.h"

namespace tracejet {

namespace {

using Answers = std::vector<symbolic::ForcedBranches::DataAnswer>;
using Ways = std::vector<std::pair<Answers, Trace>>;

/// Without the trace where the model doesn't take data that go this way, or where too many traces have been made.
Attempt trace_way(Traces& traces, Answers answers) {
  if (traces.budget().branches == 0) return {nullptr, Failure::kOurs};
  --traces.budget().branches;
  return traces.attempt({.data = std::move(answers)});
}

/// Adds a trace for each way that data can go after these answers. False where one of them fails.
bool add_ways(Traces& traces, const Answers& answers, Ways& ways) {
  for (const bool answer : {true, false}) {
    Answers told = answers;
    told.push_back({answer, /*is_asserted=*/true});
    const Attempt attempt = trace_way(traces, told);
    if (attempt.succeeded()) {
      ways.emplace_back(std::move(told), attempt.trace);
      continue;
    }
    const bool asks_more = attempt.trace != nullptr && attempt.trace->answers().has_open_data_branch();
    if (!asks_more || !add_ways(traces, told, ways)) return false;
  }
  return true;
}

bool serves(const ModelTrace& general, const ModelTrace& special) {
  return special.gives_like(general) && computes_the_same_for_data(*general.graph(), *special.graph());
}

}  // namespace

Trace trace_for_all_data(Traces& traces, const ModelTrace& failed) {
  Ways ways;
  if (!failed.answers().has_open_data_branch() || !add_ways(traces, {}, ways)) return nullptr;
  for (const auto& [told, special] : ways) {
    Answers unasserted = told;
    for (auto& answer : unasserted) answer.is_asserted = false;
    const Attempt general = trace_way(traces, std::move(unasserted));
    const bool is_general = general.succeeded() && std::ranges::all_of(ways, [&](const auto& way) {
                              return serves(*general.trace, *way.second);
                            });
    if (is_general) return general.trace;
  }
  return nullptr;
}

}  // namespace tracejet
