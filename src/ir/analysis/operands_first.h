#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "ir/graph.h"

namespace tracejet {

/// Computes a value after all that it is computed from. No recursion: as many calls may stand one above the other as
/// the program has.
///
/// `operands_of(value)`: the values that come first; nullopt where it can't be had. `compute(value)`: whether it could
/// be, once they are known. False where one of them can't be had; `give_up(value)` is called for each that waits for
/// it.
template <typename IsKnown, typename OperandsOf, typename Compute, typename GiveUp>
bool compute_operands_first(const Value& value, const IsKnown& is_known, const OperandsOf& operands_of,
                            const Compute& compute, const GiveUp& give_up) {
  struct Visit {
    const Value* value;
    std::vector<const Value*> operands;
    size_t next = 0;
  };
  std::vector<Visit> visits;
  const auto enter = [&](const Value& entered) {
    if (is_known(entered)) return true;
    std::optional<std::vector<const Value*>> operands = operands_of(entered);
    if (operands) visits.push_back({&entered, *std::move(operands)});
    return operands.has_value();
  };
  bool succeeds = enter(value);
  while (succeeds && !visits.empty()) {
    Visit& last = visits.back();
    if (last.next < last.operands.size()) {
      succeeds = enter(*last.operands[last.next++]);
    } else {
      succeeds = compute(*last.value);
      if (succeeds) visits.pop_back();
    }
  }
  for (const Visit& waiting : visits) give_up(*waiting.value);
  return succeeds;
}

}  // namespace tracejet
