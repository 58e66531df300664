#pragma once

#include "ops/samples.h"

namespace tracejet::samples::random {

Stacks bernoulli_of_number();
Stacks between();
Stacks below();
Stacks binomial();
Stacks concentrations();
Stacks distribution();
Stacks exponential();
Stacks generator_only();
Stacks integers_from();
Stacks integers_like();
Stacks integers_like_from();
Stacks integers_sized();
Stacks like_floats();
Stacks multinomial();
Stacks normal_around_tensor();
Stacks normal_of_deviations();
Stacks normal_of_tensors();
Stacks normal_sized();
Stacks permutation();
Stacks probabilities();
Stacks sized();

}  // namespace tracejet::samples::random
