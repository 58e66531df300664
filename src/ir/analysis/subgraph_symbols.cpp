#include "ir/analysis/subgraph_symbols.h"

#include <map>
#include <unordered_set>

#include "symbolic/sym_node.h"

namespace tracejet {

namespace {

using Symbols = std::map<uint64_t, symbolic::Symbol>;
using Told = std::unordered_set<uint64_t>;

std::optional<symbolic::Expression> expression_in(const c10::IValue& value) {
  if (value.isSymInt()) return symbolic::expression_of(value.toSymInt());
  if (value.isSymFloat()) return symbolic::expression_of(value.toSymFloat());
  if (value.isSymBool()) return symbolic::expression_of(value.toSymBool());
  return std::nullopt;
}

template <typename Visitor>
void for_each_expression(const c10::IValue& constant, Visitor&& visit) {
  if (constant.isList()) {
    for (const c10::IValue& element : constant.toListRef()) for_each_expression(element, visit);
  } else if (const auto expression = expression_in(constant)) {
    visit(*expression);
  }
}

void add_told(Told& told, const Value& value) {
  const auto add = [&](const std::optional<symbolic::Expression>& expression) {
    if (expression && expression->kind() == symbolic::Kind::kSymbol) told.insert(expression->symbol().id);
  };
  if (!value.is_tensor()) return add(expression_in(value.scalar()));
  for (const c10::SymInt& size : value.tensor().sizes) add(symbolic::expression_of(size));
}

void add_needed(Symbols& needed, const Graph& subgraph) {
  Told told;
  const auto need = [&](const symbolic::Symbol& symbol) {
    if (!told.contains(symbol.id)) needed.emplace(symbol.id, symbol);
  };
  for (const GraphInput& input : subgraph.inputs()) add_told(told, *input.value);
  for (const Node& node : subgraph.nodes()) {
    for (const Argument& argument : node.arguments()) {
      const auto* constant = std::get_if<c10::IValue>(&argument);
      if (constant == nullptr) continue;
      for_each_expression(*constant, [&](const symbolic::Expression& expression) {
        for (const symbolic::Symbol& symbol : symbolic::symbols_of(expression)) need(symbol);
      });
    }
    for (const symbolic::Symbol& symbol : symbols_from_around(node)) need(symbol);
    for (const Value* output : node.outputs()) {
      if (output != nullptr) add_told(told, *output);
    }
  }
}

}  // namespace

std::vector<symbolic::Symbol> symbols_from_around(const Node& node) {
  Symbols needed;
  for (const auto& subgraph : node.subgraphs()) add_needed(needed, *subgraph);
  std::vector<symbolic::Symbol> symbols;
  for (const auto& [id, symbol] : needed) symbols.push_back(symbol);
  return symbols;
}

}  // namespace tracejet
