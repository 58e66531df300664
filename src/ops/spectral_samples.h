#pragma once

#include "ops/samples.h"

namespace tracejet::samples::spectral {

Stacks stft();
Stacks istft();

}  // namespace tracejet::samples::spectral
