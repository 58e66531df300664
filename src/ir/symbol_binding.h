#pragma once

#include <cstdint>

#include "ir/graph.h"
#include "ir/symbolic_constant.h"
#include "symbolic/expression.h"

namespace tracejet {

/// A symbol whose value is known once a value of the graph is there.
struct SymbolBinding {
  symbolic::Symbol symbol;
  int64_t axis;      ///< whose size it is; -1: the value itself is the number
  bool is_declared;  ///< the size was made as this symbol; otherwise it has turned out to be it
};

namespace detail {

template <typename Number, typename Visitor>
void for_each_binding_of_number(const Number& number, int64_t axis, Visitor&& visit) {
  auto declared = symbol_behind(number);
  if (declared) visit(SymbolBinding{*declared, axis, /*is_declared=*/true});
  const auto now = symbolic_expression(number);
  if (!now || !now->is_symbol() || (declared && declared->id == now->symbol().id)) return;
  visit(SymbolBinding{now->symbol(), axis, /*is_declared=*/false});
}

}  // namespace detail

/// Where symbols are read from, for all that runs or writes a program: calls `visit(const SymbolBinding&)` for each
/// symbol that `value` binds. A symbol that several values bind is that of the first: what comes later may have another
/// rank (see analysis/rank.h).
template <typename Visitor>
void for_each_bound_symbol(const Value& value, Visitor&& visit) {
  if (!value.is_tensor()) return detail::for_each_binding_of_number(value.scalar(), -1, visit);
  const Sizes& sizes = value.tensor().sizes;
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    if (!sizes[axis].is_heap_allocated()) continue;
    detail::for_each_binding_of_number(sizes[axis], static_cast<int64_t>(axis), visit);
  }
}

}  // namespace tracejet
