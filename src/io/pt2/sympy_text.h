#pragma once

#include <functional>
#include <string>

#include "symbolic/expression.h"

namespace tracejet::pt2 {

/// An expression as sympy's `srepr` has it, with PyTorch's functions: `Add(Symbol('s0', integer=True), Integer(2))`.
/// `symbol` gives the text of each symbol.
std::string sympy_text(const symbolic::Expression& expression,
                       const std::function<std::string(const symbolic::Symbol&)>& symbol);

}  // namespace tracejet::pt2
