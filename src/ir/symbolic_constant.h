#pragma once

#include <optional>

#include <ATen/core/ivalue.h>

#include "ir/size_expression.h"

namespace tracejet {

/// Whether a constant is a SymInt, SymFloat or SymBool: an IValue holds plain ones as plain numbers. What it stands for
/// may have turned out to be known since.
inline bool is_symbolic_number(const c10::IValue& constant) {
  return constant.isSymInt() || constant.isSymFloat() || constant.isSymBool();
}
/// Whether a constant holds a symbolic number, alone or in a list.
bool is_symbolic(const c10::IValue& constant);

/// The expression of a symbolic number, a constant where that is what it has turned out to be; nullopt for any other
/// constant.
std::optional<symbolic::Expression> symbolic_expression(const c10::IValue& constant);
inline std::optional<symbolic::Expression> symbolic_expression(const c10::SymInt& size) {
  return size.is_heap_allocated() ? std::optional(expression_of(size)) : std::nullopt;
}

/// Calls `visit(const symbolic::Expression&)` for each symbolic number in a constant.
template <typename Visitor>
void for_each_expression(const c10::IValue& constant, Visitor&& visit) {
  if (constant.isList()) {
    for (const c10::IValue& element : constant.toListRef()) for_each_expression(element, visit);
  } else if (const auto expression = symbolic_expression(constant)) {
    visit(*expression);
  }
}

}  // namespace tracejet
