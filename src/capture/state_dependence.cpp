#include "capture/state_dependence.h"

#include <algorithm>
#include <array>
#include <set>

#include "ir/analysis/effect.h"
#include "ir/schema.h"

namespace tracejet {

namespace {

/// Whether a node only shows its tensor in another form: doing it twice is doing it once.
bool is_conversion(const Node& node) {
  static constexpr std::array<std::string_view, 4> copies = {"aten::_to_copy", "aten::clone", "aten::alias",
                                                             "aten::lift_fresh_copy"};
  if (std::ranges::find(copies, node.op().schema().name()) != copies.end()) return true;
  const auto& arguments = node.op().schema().arguments();
  return !arguments.empty() && arguments[0].alias_info() != nullptr && !is_written(arguments[0]);
}

}  // namespace

StateDependence state_dependence_of(const Scopes& scopes, const at::Tensor& tensor, const at::Tensor& previous) {
  const Scope& program = scopes.program();
  StateDependence dependence;
  const Value* before = nullptr;
  if (previous.defined()) {
    const auto lifted = program.lifted.find(previous.unsafeGetTensorImpl());
    if (lifted != program.lifted.end()) before = lifted->second.value;
  }
  dependence.reads_previous = before != nullptr;

  std::set<const Value*> varying;
  for (const GraphInput& input : program.graph->inputs()) {
    if (input.kind == GraphInput::Kind::kUser) varying.insert(input.value);
  }
  for (const auto& [impl, lifted] : program.lifted) {
    if (&scopes.current_value(lifted.stand_in) != lifted.value) varying.insert(lifted.value);
  }

  std::set<std::pair<const Value*, bool>> seen;  // a value, and whether only conversions lie between it and `tensor`
  std::vector<std::pair<const Value*, bool>> pending{{&scopes.current_value(tensor), true}};
  while (!pending.empty()) {
    const auto [value, only_converted] = pending.back();
    pending.pop_back();
    if (!seen.emplace(value, only_converted).second) continue;
    dependence.differs |= varying.contains(value);
    dependence.is_computed_from_previous |= value == before && !only_converted;
    const Node* node = value->producer();
    if (node == nullptr) continue;
    dependence.differs |= has_effect(node->op());
    const bool converted = only_converted && is_conversion(*node);
    for (const Argument& argument : node->arguments()) {
      for_each_value(argument, [&](const Value& operand) { pending.emplace_back(&operand, converted); });
    }
  }
  return dependence;
}

}  // namespace tracejet
