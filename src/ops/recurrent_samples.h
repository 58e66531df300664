#pragma once

#include "ops/samples.h"

namespace tracejet::samples::recurrent {

Stacks lstm();
Stacks gru();
Stacks simple();
Stacks lstm_cell();
Stacks gru_cell();

}  // namespace tracejet::samples::recurrent
