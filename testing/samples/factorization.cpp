#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_ldl_factor.h>
#include <ATen/ops/linalg_lu_factor.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

/// Square matrices that have an inverse, in several layouts.
std::vector<at::Tensor> invertible() {
  const auto heavy = [](const at::Tensor& a) { return a + at::eye(a.size(-1), a.options()) * 9; };
  return {heavy(floats({4, 4})),
          heavy(floats({2, 3, 4, 4})),
          heavy(floats({3, 2, 5, 5}, at::kDouble).transpose(0, 1)),
          heavy(floats({3, 4, 4}).mT()),
          heavy(floats({2, 1, 1})),
          heavy(floats({2, 3, 3}, at::kComplexFloat)),
          floats({0, 3, 3}),
          floats({2, 0, 0})};
}

/// Symmetric ones without a zero or negative eigenvalue.
std::vector<at::Tensor> definite() {
  std::vector<at::Tensor> matrices = invertible();
  for (at::Tensor& a : matrices) a = at::matmul(a, a.mH());
  return matrices;
}

/// Matrices of any sides.
std::vector<at::Tensor> oblong() {
  return {floats({4, 3}), floats({2, 3, 5}), floats({3, 4}).t(), floats({2, 3, 4, 2}, at::kDouble),
          floats({1, 5}), floats({2, 0, 3}), floats({0, 3, 2}),  floats({2, 3, 4}, at::kComplexFloat)};
}

at::Tensor sides(const at::Tensor& a, int64_t count) { return floats({a.size(-1), count}).to(a.scalar_type()); }

// Factors ------------------------------------------------------------------------------------------------------------

Stacks cholesky() { return join({each(definite(), {false}), each(definite(), {true})}); }
Stacks cholesky_ex() { return join({each(definite(), {false, false}), each(definite(), {true, true})}); }
Stacks determinant() { return each(invertible()); }
Stacks exponential() {
  Stacks calls;
  for (const at::Tensor& a : invertible()) calls.push_back({a.contiguous()});
  return calls;
}

Stacks general() { return each(invertible()); }
Stacks geqrf() { return each(oblong()); }
Stacks inverse_ex() { return each(invertible(), {false}); }
Stacks ldl_factor() { return each(definite(), {true, false}); }
Stacks lu() { return each(oblong(), {true}); }
Stacks lu_factor() { return each(oblong(), {true, false}); }

Stacks lu_unpack() {
  Stacks calls;
  for (const at::Tensor& a : oblong()) {
    const auto [factors, pivots] = at::linalg_lu_factor(a);
    calls.push_back({factors, pivots, true, true});
    calls.push_back({factors, pivots, true, false});
    calls.push_back({factors, pivots, false, true});
  }
  return calls;
}

Stacks qr() { return join({each(oblong(), {"reduced"}), each(oblong(), {"complete"}), each(oblong(), {"r"})}); }

Stacks reflectors() {
  return {
      {floats({5, 3}), fractions({3})}, {floats({2, 4, 4}), fractions({2, 4})}, {floats({3, 5}).t(), fractions({2})}};
}

Stacks ormqr() {
  return {{floats({5, 3}), fractions({3}), floats({5, 2}), true, false},
          {floats({2, 5, 3}), fractions({2, 3}), floats({2, 4, 5}), false, true}};
}

// Eigenvalues and singular values ------------------------------------------------------------------------------------

Stacks eigh() { return join({each(definite(), {"L", true}), each(definite(), {"U", false})}); }

Stacks svd() {
  return join(
      {each(oblong(), {false, true, none}), each(oblong(), {true, true, none}), each(oblong(), {false, false, none})});
}

Stacks pseudoinverse() { return join({each(oblong(), {none, none, false}), each(definite(), {none, none, true})}); }

// Solutions ----------------------------------------------------------------------------------------------------------

Stacks solve() {
  Stacks calls;
  for (const at::Tensor& a : invertible()) {
    calls.push_back({a, sides(a, 2), true, false});
    calls.push_back({a, sides(a, 4).mT(), false, false});
    calls.push_back({a, floats(a.sizes().slice(0, a.dim() - 1)).to(a.scalar_type()), true, false});
  }
  calls.push_back({invertible()[0], floats({3, 4, 2}), true, false});
  return calls;
}

Stacks cholesky_solve() {
  Stacks calls;
  for (const at::Tensor& a : definite()) calls.push_back({sides(a, 2), a, false});
  calls.push_back({floats({3, 4, 2}), definite()[0], true});
  return calls;
}

Stacks ldl_solve() {
  Stacks calls;
  for (const at::Tensor& a : definite()) {
    const auto [factors, pivots] = at::linalg_ldl_factor(a);
    calls.push_back({factors, pivots, sides(a, 2), false});
  }
  return calls;
}

Stacks lu_solve() {
  Stacks calls;
  for (const at::Tensor& a : invertible()) {
    const auto [factors, pivots] = at::linalg_lu_factor(a);
    calls.push_back({factors, pivots, sides(a, 2), true, false});
    calls.push_back({factors, pivots, sides(a, 2).mT(), false, true});
  }
  return calls;
}

Stacks solve_triangular() {
  Stacks calls;
  for (const at::Tensor& a : invertible()) {
    calls.push_back({a.triu(), sides(a, 2), true, true, false});
    calls.push_back({a.tril(), sides(a, 2).mT(), false, false, false});
  }
  calls.push_back({invertible()[0], floats({3, 4, 2}), true, true, true});
  return calls;
}

Stacks triangular_solve() {
  Stacks calls;
  for (const at::Tensor& a : invertible()) calls.push_back({sides(a, 2), a, true, false, false});
  calls.push_back({floats({3, 4, 2}), invertible()[0], true, false, false});
  return calls;
}

Stacks least_squares() {
  Stacks calls;
  for (const char* driver : {"gels", "gelsy"}) {
    calls.push_back({floats({5, 3}), floats({5, 2}), none, driver});
    calls.push_back({floats({3, 5}), floats({3, 2}), none, driver});
    calls.push_back({floats({2, 5, 3}), floats({2, 5}), none, driver});
    calls.push_back({floats({2, 4, 3}, at::kDouble), floats({2, 4, 2}, at::kDouble), none, driver});
  }
  calls.push_back({floats({3, 4}), floats({3, 2}), none, "gelsd"});
  return calls;
}

Stacks check_errors() {
  return {{at::zeros({}, at::kInt), "linalg.inv", true}, {at::zeros({2, 3}, at::kInt), "linalg.inv", false}};
}

}  // namespace

std::span<const OperatorSamples> factorization_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::_linalg_det", determinant},
      {"aten::_linalg_slogdet", determinant},
      {"aten::cholesky", cholesky},
      {"aten::cholesky_inverse", cholesky},
      {"aten::geqrf", geqrf},
      {"aten::linalg_cholesky_ex", cholesky_ex},
      {"aten::linalg_householder_product", reflectors},
      {"aten::linalg_inv_ex", inverse_ex},
      {"aten::linalg_ldl_factor_ex", ldl_factor},
      {"aten::linalg_lu", lu},
      {"aten::linalg_lu_factor_ex", lu_factor},
      {"aten::linalg_qr", qr},
      {"aten::lu_unpack", lu_unpack},
      {"aten::ormqr", ormqr},
      {"aten::_linalg_eigh", eigh},
      {"aten::_linalg_eigvals", general},
      {"aten::_linalg_svd", svd},
      {"aten::linalg_eig", general},
      {"aten::linalg_matrix_exp", exponential},
      {"aten::linalg_pinv.atol_rtol_tensor", pseudoinverse},
      {"aten::_linalg_solve_ex", solve},
      {"aten::cholesky_solve", cholesky_solve},
      {"aten::linalg_ldl_solve", ldl_solve},
      {"aten::linalg_lstsq", least_squares},
      {"aten::linalg_lu_solve", lu_solve},
      {"aten::linalg_solve_triangular", solve_triangular},
      {"aten::triangular_solve", triangular_solve},
      {"aten::_linalg_check_errors", check_errors},
  };
  return table;
}

}  // namespace tracejet::samples
