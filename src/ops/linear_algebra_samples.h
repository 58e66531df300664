#pragma once

#include "ops/samples.h"

namespace tracejet::samples::linear_algebra {

Stacks mm();
Stacks int_mm();
Stacks bmm();
Stacks addmm();
Stacks baddbmm();
Stacks addbmm();
Stacks mv();
Stacks addmv();
Stacks addr();
Stacks dot();
Stacks matmul();
Stacks linear();
Stacks bilinear();
Stacks cross();
Stacks kron();
Stacks cdist();
Stacks pdist();
Stacks euclidean_dist();
Stacks cov();
Stacks multi_dot();

}  // namespace tracejet::samples::linear_algebra
