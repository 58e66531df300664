#include "ops/families.h"

namespace tracejet {

std::span<const Operator> convolution_operators() { return {}; }

}  // namespace tracejet
