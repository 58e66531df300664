#pragma once

#include "symbolic/expression.h"

// How C++ divides whole numbers: towards zero, where -7 / 2 is -3 and -7 % 2 is -1. Python rounds down. Both throw
// UnsupportedOperator where it isn't known whether the divisor is positive.
namespace tracejet::symbolic {

Expression truncated_div(const Expression& a, const Expression& b);
Expression truncated_mod(const Expression& a, const Expression& b);

}  // namespace tracejet::symbolic
