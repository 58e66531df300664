#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "symbolic/expression.h"

namespace tracejet::pt2 {

/// What a function of sympy's, or of PyTorch's sympy, computes, by its name: "FloorDiv".
///
/// Throws Error where it doesn't take such operands, and UnsupportedOperator where it isn't known here.
symbolic::Expression apply_sympy(std::string_view function, const std::vector<symbolic::Expression>& operands);

/// Whether one of Python's functions computes numbers that are known here.
bool is_python_number_function(const std::string& function);

/// The same of one of Python's, as nodes name it: "_operator.floordiv".
symbolic::Expression apply_python(const std::string& function, const std::vector<symbolic::Expression>& operands);

}  // namespace tracejet::pt2
