#pragma once

#include "ops/samples.h"

namespace tracejet::samples {

Stacks moving_average_observer();

}  // namespace tracejet::samples
