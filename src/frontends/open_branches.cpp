// Branches of a model that its sizes decide either way (`if padding > 0:`): which of them one program can serve.
//
// A trace goes the way of the opt sizes, and its program would have to refuse all sizes that go the other way. But
// often the way that was taken is right for them too, or theirs for all: slicing off a padding of nothing changes
// nothing, and a warning isn't part of a program. So the model is traced the other ways, and where one of these
// programs computes what each of the others does at the sizes that go there, it is taken, and nothing needs to be
// checked.
#include <algorithm>
#include <set>

#include "frontends/retrace.h"
#include "ir/analysis/equivalence.h"

namespace tracejet {

namespace {

using Branches = std::vector<ModelTrace::Branch>;
using Way = std::vector<bool>;  ///< an answer for each branch

Way taken_way(const Branches& branches) {
  Way way;
  for (const auto& branch : branches) way.push_back(branch.answer);
  return way;
}

/// All other ways, in order.
std::vector<Way> other_ways(const Way& taken) {
  std::vector<Way> ways;
  for (size_t bits = 0; bits < size_t{1} << taken.size(); ++bits) {
    Way way;
    for (size_t i = taken.size(); i-- > 0;) way.push_back((bits >> i & 1) != 0);
    if (way != taken) ways.push_back(std::move(way));
  }
  return ways;
}

/// Null where the model doesn't take sizes that go this way, or where too many traces have been made.
Trace trace_branches(Traces& traces, const Branches& branches, const Way& way) {
  if (traces.budget().branches == 0) return nullptr;
  --traces.budget().branches;
  Variation variation;
  for (size_t i = 0; i < branches.size(); ++i) variation.branches[branches[i].condition.str()] = way[i];
  const Attempt attempt = traces.attempt(std::move(variation));
  return attempt.succeeded() ? attempt.trace : nullptr;
}

/// Whether it is right wherever the branches go this way.
bool is_right_on(const ModelTrace& candidate, const ModelTrace& special, const Branches& branches, const Way& way) {
  std::vector<symbolic::Condition> conditions;
  for (size_t i = 0; i < branches.size(); ++i) {
    conditions.push_back(way[i] ? branches[i].condition : logical_not(branches[i].condition));
  }
  return candidate.gives_like(special) && computes_the_same(*candidate.graph(), *special.graph(), conditions);
}

/// A trace that is right whichever way each of the branches goes; null where there is none.
Trace general_trace(Traces& traces, const Trace& first, const Branches& branches) {
  const Way taken = taken_way(branches);
  std::vector<std::pair<Way, Trace>> ways{{taken, first}};
  for (const Way& way : other_ways(taken)) {
    Trace trace = trace_branches(traces, branches, way);
    if (trace == nullptr) return nullptr;
    ways.emplace_back(way, std::move(trace));
  }
  const auto is_general = [&](const Trace& candidate) {
    return std::ranges::all_of(ways, [&](const auto& way) {
      return way.second == candidate || is_right_on(*candidate, *way.second, branches, way.first);
    });
  };
  for (const auto& [way, candidate] : ways) {
    if (way != taken && is_general(candidate)) return candidate;
  }
  // The way that was taken, without what was concluded from having taken it.
  const Trace unconcluded = trace_branches(traces, branches, taken);
  return unconcluded != nullptr && is_general(unconcluded) ? unconcluded : nullptr;
}

}  // namespace

Trace trace_for_all_branches(Traces& traces, Trace first) {
  Branches harmless;
  std::set<std::string> tried;
  Trace best = first;
  while (true) {  // what one branch has settled may be open without it
    const Branches open = best->open_branches();
    const auto branch =
        std::ranges::find_if(open, [&](const auto& one) { return !tried.contains(one.condition.str()); });
    if (branch == open.end()) return best;
    tried.insert(branch->condition.str());
    Branches together = harmless;
    together.push_back(*branch);
    if ((1 << together.size()) - 1 > traces.budget().branches) return best;
    if (Trace general = general_trace(traces, first, together)) {
      best = std::move(general);
      harmless = std::move(together);
    }
  }
}

}  // namespace tracejet
