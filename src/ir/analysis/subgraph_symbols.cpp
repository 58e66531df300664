#include "ir/analysis/subgraph_symbols.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <unordered_set>

#include "ir/symbol_binding.h"

namespace tracejet {

namespace {

using Symbols = std::map<uint64_t, symbolic::Symbol>;

void add_bound(std::unordered_set<uint64_t>& bound, const Value& value) {
  for_each_bound_symbol(value, [&](const SymbolBinding& binding) { bound.insert(binding.symbol.id); });
}

void add_needed(Symbols& needed, const Graph& subgraph) {
  std::unordered_set<uint64_t> bound;
  const auto need = [&](const symbolic::Symbol& symbol) {
    if (!bound.contains(symbol.id)) needed.emplace(symbol.id, symbol);
  };
  for (const GraphInput& input : subgraph.inputs()) add_bound(bound, *input.value);
  for (const Node& node : subgraph.nodes()) {
    std::ranges::for_each(symbols_read_by(node), need);
    for (const Value* output : node.outputs()) {
      if (output != nullptr) add_bound(bound, *output);
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

std::vector<symbolic::Symbol> symbols_read_by(const Node& node) {
  std::vector<symbolic::Symbol> symbols;
  if (!node.subgraphs().empty()) symbols = symbols_from_around(node);
  for (const Argument& argument : node.arguments()) {
    const auto* constant = std::get_if<c10::IValue>(&argument);
    if (constant == nullptr) continue;
    for_each_expression(*constant, [&](const symbolic::Expression& expression) {
      std::ranges::copy(symbolic::symbols_of(expression), std::back_inserter(symbols));
    });
  }
  return symbols;
}

}  // namespace tracejet
