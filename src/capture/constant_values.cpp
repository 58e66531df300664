#include "capture/constant_values.h"

#include "capture/keys.h"
#include "ir/analysis/evaluate.h"
#include "ir/analysis/operands_first.h"
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
  const ExcludeTracingGuard guard;
  const bool is_constant = compute_operands_first(
      value, [&](const Value& operand) { return known(operand).has_value(); },
      [&](const Value& operand) {
        const Node* node = operand.producer();
        return node == nullptr || varying_.contains(&operand) ? std::nullopt : operands_of(*node);
      },
      [&](const Value& next) { return compute(*next.producer()); },
      [&](const Value& waiting) { varying_.insert(&waiting); });
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
