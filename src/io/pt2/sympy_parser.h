#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "symbolic/expression.h"

namespace tracejet::pt2 {

/// What a file knows of a symbol: its name, and whether it says that it is an integer.
struct SympySymbol {
  std::string name;
  bool is_integer;
};

/// The expression of a text that sympy's `srepr` wrote, with PyTorch's functions. `symbol` gives the expression of each
/// symbol. Nothing is evaluated but these functions.
///
/// Throws Error where the text is none of that, and UnsupportedOperator for functions that aren't known here.
symbolic::Expression parse_sympy(std::string_view text,
                                 const std::function<symbolic::Expression(const SympySymbol&)>& symbol);

}  // namespace tracejet::pt2
