#include "engines/aten/passes/matching.h"

#include <cmath>

#include "engines/aten/passes/rewriting.h"

namespace tracejet::aten {

namespace {

std::optional<double> number_of(const Argument& argument) {
  const auto* constant = std::get_if<c10::IValue>(&argument);
  if (constant == nullptr || !(constant->isInt() || constant->isDouble())) return std::nullopt;
  return constant->toScalar().toDouble();
}

std::optional<Operands> operands(const Argument& self, const Argument& other) {
  const auto* first = std::get_if<const Value*>(&self);
  const auto* second = std::get_if<const Value*>(&other);
  if (first != nullptr && second != nullptr) return Operands{*first, *second, std::nullopt};
  if (first != nullptr) return Operands{*first, nullptr, number_of(other)};
  if (second != nullptr) return Operands{*second, nullptr, number_of(self)};
  return std::nullopt;
}

/// As it is rounded where somebody wrote it down with fewer digits.
bool is_about(std::optional<double> number, double wanted) {
  return number && std::abs(*number - wanted) <= 1e-6 * std::abs(wanted);
}

}  // namespace

std::optional<Operands> product(const Value& value) {
  const Node* node = made_by(value, "aten::mul.Tensor");
  if (node == nullptr) return std::nullopt;
  return operands(Call(*node).argument("self"), Call(*node).argument("other"));
}

std::optional<Operands> sum(const Value& value) {
  const Node* node = made_by(value, "aten::add.Tensor");
  if (node == nullptr) return std::nullopt;
  const auto alpha = number_of(Call(*node).argument("alpha"));
  if (alpha != 1) return std::nullopt;
  return operands(Call(*node).argument("self"), Call(*node).argument("other"));
}

const Value* times(const Value& value, double number) {
  const auto found = product(value);
  return found && is_about(found->number, number) ? found->tensor : nullptr;
}

const Value* plus(const Value& value, double number) {
  const auto found = sum(value);
  return found && is_about(found->number, number) ? found->tensor : nullptr;
}

const Value* self_of(const Value& value, std::string_view name) {
  const Node* node = made_by(value, name);
  return node == nullptr ? nullptr : Call(*node).optional_value("self");
}

const Value& before_cast(const Value& value, at::ScalarType to) {
  const Node* node = made_by(value, "aten::_to_copy");
  if (node == nullptr || value.tensor().dtype != to) return value;
  const Value& before = Call(*node).value("self");
  return before.tensor().device == value.tensor().device ? before : value;
}

}  // namespace tracejet::aten
