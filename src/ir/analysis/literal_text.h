#pragma once

#include <string>

#include "ir/symbolic_constant.h"
#include "ir/tensor_meta.h"
#include "symbolic/cases.h"

namespace tracejet {

/// What is no tensor in a graph, as text, where sizes are those of a case: equal where it is the same.
class LiteralText {
 public:
  /// `sizes` must outlive it.
  explicit LiteralText(const symbolic::Case& sizes) : sizes_(sizes) {}

  symbolic::Expression at_sizes(const symbolic::Expression& expression) const {
    return symbolic::in_case(expression, sizes_);
  }
  std::string of(const symbolic::Expression& expression) const { return at_sizes(expression).str(); }
  std::string of(const c10::SymInt& size) const { return of(expression_of(size)); }
  std::string of(const c10::IValue& constant) const;
  /// "[2,3,]"
  std::string shape(const Sizes& sizes) const;

 private:
  const symbolic::Case& sizes_;
};

}  // namespace tracejet
