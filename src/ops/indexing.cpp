#include "ops/families.h"

namespace tracejet {

std::span<const Operator> indexing_operators() { return {}; }

}  // namespace tracejet
