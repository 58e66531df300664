#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "symbolic/expression.h"

namespace tracejet::symbolic {

/// What sizes are, by the names of their symbols; those that aren't named stay what they are.
using Case = std::map<std::string, Expression>;

/// `expression` with the sizes of a case put in.
Expression in_case(const Expression& expression, const Case& sizes);

/// Cases that together cover all sizes at which the conditions hold, as simple as they can be said: s is 8 * s' where
/// s % 8 == 0 must hold, t where s == t must hold. They may cover more.
std::vector<Case> cases_of(std::span<const Condition> conditions);

}  // namespace tracejet::symbolic
