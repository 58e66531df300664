#pragma once

#include "ops/samples.h"

namespace tracejet::samples::factorization {

Stacks check_errors();
Stacks cholesky();
Stacks cholesky_ex();
Stacks cholesky_solve();
Stacks determinant();
Stacks eigh();
Stacks exponential();
Stacks general();
Stacks geqrf();
Stacks inverse_ex();
Stacks ldl_factor();
Stacks ldl_solve();
Stacks least_squares();
Stacks lu();
Stacks lu_factor();
Stacks lu_solve();
Stacks lu_unpack();
Stacks ormqr();
Stacks pseudoinverse();
Stacks qr();
Stacks reflectors();
Stacks solve();
Stacks solve_triangular();
Stacks svd();
Stacks triangular_solve();

}  // namespace tracejet::samples::factorization
