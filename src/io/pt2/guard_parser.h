#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "symbolic/expression.h"

namespace tracejet::pt2 {

/// What a guard asks of an argument: "L['pair'][0].size()[1]".
struct GuardedNumber {
  std::string argument;  ///< "pair_0", as torch.export names what is in it
  std::string property;  ///< "size", "stride" or "storage_offset"; empty: the argument itself is a number
  int64_t axis = 0;
};

/// The condition of a guard that torch.export keeps as Python: comparisons and arithmetic of sizes. It is read, and
/// never run as PyTorch does. `number` gives the expression of each number.
///
/// Throws Error where the text is none of that, and UnsupportedOperator for functions that aren't known here.
symbolic::Condition parse_guard(std::string_view text,
                                const std::function<symbolic::Expression(const GuardedNumber&)>& number);

}  // namespace tracejet::pt2
