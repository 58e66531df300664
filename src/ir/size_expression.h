#pragma once

#include <optional>

#include <ATen/core/ivalue.h>
#include <c10/core/Scalar.h>
#include <c10/core/SymBool.h>
#include <c10/core/SymFloat.h>
#include <c10/core/SymInt.h>

#include "base/error.h"
#include "symbolic/sym_node.h"

namespace tracejet {

/// The expression of a number in a finished graph. Throws Error for a symbolic number that no trace of ours made.
template <typename SymbolicNumber>
symbolic::Expression expression_of(const SymbolicNumber& value) {
  if (auto expression = symbolic::expression_of(value)) return *std::move(expression);
  throw Error("the graph holds a symbolic number of another tracer", ErrorCode::kForeignTrace);
}

inline symbolic::Expression expression_of(const c10::Scalar& value) {
  if (value.isSymInt()) return expression_of(value.toSymInt());
  if (value.isSymFloat()) return expression_of(value.toSymFloat());
  return expression_of(value.toSymBool());
}

/// The symbol that a number of a graph was made as; nullopt for a compound, a plain number or none at all.
inline std::optional<symbolic::Symbol> symbol_behind(const c10::IValue& number) {
  if (number.isSymInt()) return symbolic::symbol_behind(number.toSymInt());
  return number.isSymFloat() ? symbolic::symbol_behind(number.toSymFloat()) : std::nullopt;
}
inline std::optional<symbolic::Symbol> symbol_behind(const c10::SymInt& size) { return symbolic::symbol_behind(size); }

}  // namespace tracejet
