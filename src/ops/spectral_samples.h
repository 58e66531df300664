#pragma once

#include "ops/samples.h"

namespace tracejet::samples::spectral {

Stacks real_to_complex();
Stacks complex_to_real();
Stacks complex_to_complex();
Stacks assertion();
Stacks stft();
Stacks istft();
Stacks window();
Stacks window_periodic();
Stacks window_with_number();
Stacks window_with_numbers();

}  // namespace tracejet::samples::spectral
