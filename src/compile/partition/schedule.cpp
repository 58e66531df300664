#include "compile/partition/schedule.h"

#include <algorithm>
#include <map>
#include <optional>

namespace tracejet {

namespace {

using Turn = size_t;

/// Engines take turns, `first` begins.
class Turns {
 public:
  Turns(size_t engine_count, size_t first) : count_(engine_count), first_(first) {}

  size_t engine_of(Turn turn) const { return (turn + first_) % count_; }
  Turn first_of(size_t engine, Turn not_before) const {
    while (engine_of(not_before) != engine) ++not_before;
    return not_before;
  }
  /// The last one up to `turn`, if there is any.
  std::optional<Turn> last_of(size_t engine, Turn turn) const {
    while (engine_of(turn) != engine) {
      if (turn-- == 0) return std::nullopt;
    }
    return turn;
  }

 private:
  size_t count_, first_;
};

/// What is computed from weights alone runs just before it is needed: where an engine computes it for itself, it is a
/// constant there.
void delay_fixed(std::span<const PlannedNode> nodes, std::span<const size_t> engines, const Turns& turns,
                 std::vector<Turn>& turn_of) {
  std::vector<std::optional<Turn>> needed_in(nodes.size());
  for (size_t i = nodes.size(); i-- > 0;) {
    if (nodes[i].is_fixed && needed_in[i]) {
      const auto later = turns.last_of(engines[i], *needed_in[i]);
      turn_of[i] = std::max(turn_of[i], later.value_or(0));
    }
    for (const size_t before : nodes[i].after) {
      auto& turn = needed_in[before];
      turn = turn ? std::min(*turn, turn_of[i]) : turn_of[i];
    }
  }
}

std::vector<ScheduledPart> scheduled(std::span<const PlannedNode> nodes, std::span<const size_t> engines,
                                     const Turns& turns, const std::function<bool(size_t, size_t)>& takes) {
  std::vector<Turn> turn_of(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    Turn turn = 0;
    for (const size_t before : nodes[i].after) turn = std::max(turn, turn_of[before]);
    if (nodes[i].is_assertion) {
      while (!takes(turns.engine_of(turn), i)) ++turn;
      turn_of[i] = turn;
    } else {
      turn_of[i] = turns.first_of(engines[i], turn);
    }
  }
  delay_fixed(nodes, engines, turns, turn_of);
  std::map<Turn, ScheduledPart> parts;
  for (size_t i = 0; i < nodes.size(); ++i) {
    auto& part = parts.try_emplace(turn_of[i], ScheduledPart{turns.engine_of(turn_of[i]), {}}).first->second;
    part.nodes.push_back(i);
  }
  std::vector<ScheduledPart> in_order;
  for (auto& [turn, part] : parts) in_order.push_back(std::move(part));
  return in_order;
}

}  // namespace

std::vector<ScheduledPart> schedule(std::span<const PlannedNode> nodes, std::span<const size_t> engines,
                                    size_t engine_count, const std::function<bool(size_t, size_t)>& takes) {
  std::vector<ScheduledPart> best;
  for (size_t first = 0; first < engine_count; ++first) {
    auto parts = scheduled(nodes, engines, Turns(engine_count, first), takes);
    if (first == 0 || parts.size() < best.size()) best = std::move(parts);
  }
  return best;
}

}  // namespace tracejet
