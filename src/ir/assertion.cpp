// Conditions that a program checks when it runs: nodes of `aten::_assert_scalar`, as torch.export writes them.
#include "ir/assertion.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_set>

#include "base/error.h"
#include "ir/size_expression.h"
#include "ir/symbol_binding.h"

namespace tracejet {

namespace {

const c10::OperatorHandle& assert_scalar() {
  static const c10::OperatorHandle op = c10::Dispatcher::singleton().findSchemaOrThrow("aten::_assert_scalar", "");
  return op;
}

}  // namespace

std::optional<RuntimeAssertion> assertion_of(const Node& node) {
  if (node.op() != assert_scalar()) return std::nullopt;
  const auto& condition = std::get<c10::IValue>(node.arguments()[0]);
  const std::string& message = std::get<c10::IValue>(node.arguments()[1]).toStringRef();
  if (condition.isSymBool()) return RuntimeAssertion{expression_of(condition.toSymBool()), message};
  return RuntimeAssertion{symbolic::Condition::truth(condition.toScalar().toBool()), message};
}

bool is_constraint_op(const c10::OperatorHandle& op) {
  static constexpr std::array<std::string_view, 6> kNames{
      "aten::_assert_scalar",
      "aten::_functional_assert_scalar",
      "aten::sym_constrain_range",
      "aten::sym_constrain_range_for_size",
      "aten::_functional_sym_constrain_range",
      "aten::_functional_sym_constrain_range_for_size",
  };
  return std::ranges::find(kNames, op.operator_name().name) != kNames.end();
}

std::vector<uint64_t> unbacked_symbols_from(const Node& node) {
  std::vector<uint64_t> symbols;
  const auto add = [&](const SymbolBinding& binding) {
    if (binding.is_declared && !binding.symbol.backed) symbols.push_back(binding.symbol.id);
  };
  for (const Value* value : node.outputs()) {
    if (value != nullptr) for_each_bound_symbol(*value, add);
  }
  return symbols;
}

void Graph::add_assertion(const symbolic::Condition& condition, const std::string& message, Location where,
                          const std::unordered_set<uint64_t>& from_around) {
  std::unordered_set<uint64_t> awaited;
  for (const symbolic::Symbol& symbol : symbolic::symbols_of(condition)) {
    if (!symbol.backed && !from_around.contains(symbol.id)) awaited.insert(symbol.id);
  }
  auto place = nodes_.begin();
  while (!awaited.empty() && place != nodes_.end()) {
    for (const uint64_t symbol : unbacked_symbols_from(*place++)) awaited.erase(symbol);
  }
  if (!awaited.empty()) {
    throw UnsupportedOperator(
        "the model promises something of data inside of control flow (torch.cond, a loop), which "
        "can't be checked: " +
            message,
        ErrorCode::kControlFlow);
  }
  std::vector<Argument> arguments{c10::IValue(symbolic::fixed_sym_bool(condition, *shapes_)), c10::IValue(message)};
  emplace(place, assert_scalar(), std::move(arguments), {}, std::move(where), {});
}

}  // namespace tracejet
