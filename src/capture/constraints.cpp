#include "capture/constraints.h"

#include <algorithm>

#include <torch/csrc/profiler/combined_traceback.h>

#include "graph/location.h"
#include "support/error.h"
#include "symbolic/context.h"
#include "symbolic/sym_node.h"

namespace tracejet {

namespace {

using symbolic::Expression;

void collect_symbols(const Expression& expression, std::map<std::string, symbolic::Symbol>& symbols) {
  if (expression.kind() == Expression::Kind::kSymbol) {
    symbols.emplace(expression.symbol().name, expression.symbol());
    return;
  }
  for (const Expression& operand : expression.operands()) collect_symbols(operand, symbols);
}

std::string to_string(const symbolic::Range& range) {
  const std::string max = range.max == symbolic::kInfinity ? "inf" : std::to_string(range.max);
  return "[" + std::to_string(range.min) + ", " + max + "]";
}

std::string describe_symbols(const symbolic::Condition& condition, const SymbolAxes& axes) {
  std::map<std::string, symbolic::Symbol> symbols;
  collect_symbols(condition, symbols);
  std::string text;
  for (const auto& [name, symbol] : symbols) {
    const auto axis = axes.find(name);
    text += (text.empty() ? "" : "; ") + name + " is ";
    text += axis == axes.end() ? "data dependent" : axis->second;
    text += " in " + to_string(symbol.range);
  }
  return text;
}

bool concerns_data(const symbolic::Condition& condition) {
  std::map<std::string, symbolic::Symbol> symbols;
  collect_symbols(condition, symbols);
  return std::ranges::any_of(symbols, [](const auto& symbol) { return !symbol.second.backed; });
}

std::string describe_guard(const symbolic::Guard& guard, const Graph& graph, const SymbolAxes& axes) {
  std::string text = guard.condition.str() + " is assumed";
  if (guard.kind == symbolic::Guard::Kind::kSpecialization)
    text = guard.condition.str() + " is needed as a plain number";
  text += " (" + describe_symbols(guard.condition, axes) + ")";
  if (guard.where != nullptr) {
    const std::string where = describe({guard.where, -1}, graph);
    if (!where.empty()) text += "\n  " + where;
  }
  return text;
}

}  // namespace

void add_axes(SymbolAxes& axes, const std::string& input, const TensorMeta& meta) {
  for (size_t axis = 0; axis < meta.sizes.size(); ++axis) {
    const auto size = symbolic::expression_of(meta.sizes[axis]);
    if (!size || size->kind() != Expression::Kind::kSymbol) continue;
    std::string& text = axes[size->symbol().name];
    text += (text.empty() ? "" : ", ") + input + "[" + std::to_string(axis) + "]";
  }
}

void check_constraints(const Graph& graph, const SymbolAxes& axes) {
  std::vector<symbolic::Guard> guards;
  for (const symbolic::Guard& guard : graph.shapes().guards()) {
    // The general path is taken to be right at sizes 0 and 1 too, as torch.export takes it to be.
    if (guard.kind == symbolic::Guard::Kind::kGeneralSize) continue;
    // What the model promises of its data narrows no input.
    if (guard.kind == symbolic::Guard::Kind::kAssertion && concerns_data(guard.condition)) continue;
    guards.push_back(guard);
  }
  if (guards.empty()) return;
  std::string text = guards.size() == 1 ? "a dimension can't stay as dynamic as declared:"
                                        : std::to_string(guards.size()) +
                                              " assumptions keep dimensions from being as "
                                              "dynamic as declared:";
  for (size_t i = 0; i < guards.size(); ++i) {
    text += "\n  " + std::to_string(i + 1) + ". " + describe_guard(guards[i], graph, axes);
  }
  text += "\nNarrow the ranges of these Inputs, make the axes static, join them with shared_dims, or change the lines.";
  throw ConstraintViolation(text);
}

}  // namespace tracejet
