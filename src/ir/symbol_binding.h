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

using tracejet::symbol_behind;
inline std::optional<symbolic::Symbol> symbol_behind(const c10::SymInt& size) { return symbolic::symbol_behind(size); }

template <typename Number, typename Visitor>
void for_each_binding_of_number(const Number& number, int64_t axis, Visitor&& visit) {
  auto declared = symbol_behind(number);
  if (declared) visit(SymbolBinding{*declared, axis, /*is_declared=*/true});
  const auto now = symbolic_expression(number);
  if (!now || now->kind() != symbolic::Kind::kSymbol || (declared && declared->id == now->symbol().id)) return;
  visit(SymbolBinding{now->symbol(), axis, /*is_declared=*/false});
}

}  // namespace detail

/// Where symbols are read from, for all that runs or writes a program: calls `visit(const SymbolBinding&)` for each
/// symbol that a value tells. A symbol that several values tell is that of the first: what comes later may have another
/// rank (see analysis/rank.h).
template <typename Visitor>
void for_each_bound_symbol(const TensorMeta& meta, Visitor&& visit) {
  for (size_t axis = 0; axis < meta.sizes.size(); ++axis) {
    if (!meta.sizes[axis].is_heap_allocated()) continue;
    detail::for_each_binding_of_number(meta.sizes[axis], static_cast<int64_t>(axis), visit);
  }
}
template <typename Visitor>
void for_each_bound_symbol(const c10::IValue& number, Visitor&& visit) {
  detail::for_each_binding_of_number(number, -1, visit);
}
template <typename Visitor>
void for_each_bound_symbol(const Value& value, Visitor&& visit) {
  if (value.is_tensor()) {
    for_each_bound_symbol(value.tensor(), visit);
  } else {
    for_each_bound_symbol(value.scalar(), visit);
  }
}

}  // namespace tracejet
