#include "report/symbol_axes.h"

#include "symbolic/sym_node.h"

namespace tracejet {

using symbolic::Expression;

void add_axes(SymbolAxes& axes, const std::string& input, const TensorMeta& meta) {
  for (size_t axis = 0; axis < meta.sizes.size(); ++axis) {
    const auto symbol = symbolic::symbol_behind(meta.sizes[axis]);
    if (symbol) axes[symbol->name].push_back(input + "[" + std::to_string(axis) + "]");
  }
}

std::string in_words(const symbolic::Condition& condition, const SymbolAxes& axes) {
  const auto renamed = [&](const Expression& expression) {
    const auto found = axes.find(expression.symbol().name);
    if (found == axes.end()) return expression;
    symbolic::Symbol symbol = expression.symbol();
    symbol.name = found->second.front();
    return Expression::of(std::move(symbol));
  };
  return symbolic::substitute(condition, renamed).str();
}

}  // namespace tracejet
