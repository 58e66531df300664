#include "capture/constant_values.h"

#include "capture/keys.h"
#include "ir/analysis/evaluate.h"
#include "ir/analysis/possible_values.h"
#include "ir/symbolic_constant.h"

namespace tracejet {

namespace {

/// The operands of a call, where it has nothing else that keeps it from being computed ahead.
std::optional<std::vector<const Value*>> operands_of(const Node& node) {
  if (!can_evaluate(node)) return std::nullopt;
  std::vector<const Value*> operands;
  for (const Argument& argument : node.arguments()) {
    const auto* constant = std::get_if<c10::IValue>(&argument);
    if (constant != nullptr && is_symbolic(*constant)) return std::nullopt;
    for_each_value(argument, [&](const Value& value) { operands.push_back(&value); });
  }
  return operands;
}

}  // namespace

ConstantValues::ConstantValues() = default;
ConstantValues::~ConstantValues() = default;

std::optional<at::Tensor> ConstantValues::known(const Value& value) const {
  const auto found = known_.find(&value);
  return found == known_.end() || found->second.is_meta() ? std::nullopt : std::optional(found->second);
}

bool ConstantValues::compute(const Node& node) {
  const auto numbers = [](const c10::IValue& constant) { return std::optional(constant); };
  const auto data = [this](const Value& operand) { return known(operand)->cpu(); };
  const auto results = evaluate(node, data, numbers);
  if (!results) return false;
  for (size_t i = 0; i < results->size(); ++i) known_[node.outputs()[i]] = (*results)[i];
  return true;
}

std::optional<at::Tensor> ConstantValues::of(const Value& value) {
  struct Visit {
    const Value* value;
    std::vector<const Value*> operands;
    size_t next = 0;
  };
  const ExcludeTracingGuard guard;
  // No recursion: as many calls may stand one above the other as the program has. Ends where one isn't constant.
  std::vector<Visit> visits;
  const auto visit = [&](const Value& operand) {
    const Node* node = operand.producer();
    auto operands = node == nullptr || varying_.contains(&operand) ? std::nullopt : operands_of(*node);
    if (operands) visits.push_back({&operand, *std::move(operands)});
    return operands.has_value();
  };
  bool is_constant = known(value) || visit(value);
  while (is_constant && !visits.empty()) {
    Visit& last = visits.back();
    if (last.next < last.operands.size()) {
      const Value& operand = *last.operands[last.next++];
      is_constant = known(operand) || visit(operand);
    } else {
      is_constant = compute(*last.value->producer());
      if (is_constant) visits.pop_back();
    }
  }
  for (const Visit& above : visits) varying_.insert(above.value);
  return is_constant ? std::optional(known(value)->cpu()) : std::nullopt;
}

std::optional<at::Tensor> ConstantValues::only_element(const Value& value) {
  const ExcludeTracingGuard guard;
  if (!possible_values_) {
    possible_values_ = std::make_unique<PossibleValues>([this](const Value& value) { return of(value); });
  }
  const auto numbers = possible_values_->of(value);
  return numbers && numbers->numel() == 1 ? numbers : std::nullopt;
}

}  // namespace tracejet
