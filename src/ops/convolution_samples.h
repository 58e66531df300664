#pragma once

#include "ops/samples.h"

namespace tracejet::samples::convolution {

Stacks convolution();
Stacks internal_convolution();
Stacks conv_tbc();

}  // namespace tracejet::samples::convolution
