#include "ops/families.h"

namespace tracejet {

std::span<const Operator> resampling_operators() { return {}; }

}  // namespace tracejet
