#pragma once

#include <c10/core/SymInt.h>

#include "ir/graph.h"

namespace tracejet {

/// A size that only the data of an operand decides: a new symbol between `at_least` and `at_most`.
/// Throws DataDependent where no trace is running, or none that could hold it.
c10::SymInt unknown_size(const c10::SymInt& at_most, int64_t at_least = 0);

/// How many elements aren't zero: one symbol for all that is selected by the same mask.
c10::SymInt count_of_nonzero(const Value& mask);

}  // namespace tracejet
