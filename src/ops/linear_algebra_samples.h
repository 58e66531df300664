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
Stacks kron();
Stacks cdist();
Stacks euclidean_dist();
Stacks cov();
Stacks geqrf();
Stacks multi_dot();
Stacks least_squares();

}  // namespace tracejet::samples::linear_algebra
