#include "ops/families.h"

namespace tracejet {

std::span<const Operator> creation_operators() { return {}; }

}  // namespace tracejet
