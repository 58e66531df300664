#pragma once

#include <optional>
#include <vector>

#include "symbolic/expression.h"

namespace tracejet::symbolic {

/// The values of `symbol` within `within` for which a condition on it alone holds: ranges, ascending, with gaps between
/// them. Nullopt where they are scattered (every third size).
std::optional<std::vector<Range>> solve(const Condition& condition, const Symbol& symbol, Range within);

}  // namespace tracejet::symbolic
