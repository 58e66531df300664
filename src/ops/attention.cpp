#include "ops/families.h"

namespace tracejet {

std::span<const Operator> attention_operators() { return {}; }

}  // namespace tracejet
