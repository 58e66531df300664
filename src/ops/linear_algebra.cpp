#include "ops/families.h"

namespace tracejet {

std::span<const Operator> linear_algebra_operators() { return {}; }

}  // namespace tracejet
