#pragma once

#include "ops/samples.h"

namespace tracejet::samples::pooling {

Stacks max_pool1d();
Stacks max_pool2d();
Stacks max_pool3d();
Stacks avg_pool2d();
Stacks avg_pool3d();
Stacks adaptive2d();
Stacks adaptive3d();
Stacks fractional2d();
Stacks fractional3d();

}  // namespace tracejet::samples::pooling
