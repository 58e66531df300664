// Factors of matrices, and what is solved by them. LAPACK works in place and column by column, and so are its results.
// PyTorch: aten/src/ATen/native/BatchLinearAlgebra.cpp, aten/src/ATen/native/LinearAlgebra.cpp (linalg_pinv,
// linalg_matrix_exp), torch/_meta_registrations.py.
#include "ops/families.h"
#include "ops/linear_algebra/least_squares.h"
#include "ops/linear_algebra/matrix_shape.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;
using matrix::by_columns;
using matrix::by_rows;
using matrix::Matrices;
using matrix::nothing;
using matrix::per_matrix;

/// Whether each matrix could be factorised: 0, or where it failed.
TensorMeta info(const Matrices& a) { return per_matrix(a, at::kInt); }
TensorMeta pivots(const Matrices& a) { return per_matrix(a, a.shorter(), at::kInt); }

// Factors ------------------------------------------------------------------------------------------------------------

/// Unlike its newer relatives, it leaves an empty batch in rows.
Metas cholesky(const Call& call) {
  const Matrices a = matrix::square(call, "self");
  return {shape::known_equal(a.meta().numel(), 0) ? by_rows(a, a.rows(), a.columns()) : by_columns(a)};
}

Metas cholesky_ex(const Call& call) {
  const Matrices a = matrix::square(call, "self");
  return {by_columns(a), info(a)};
}

Metas inverse_ex(const Call& call) {
  const Matrices a = matrix::square(call, "A");
  return {by_columns(a), info(a)};
}

Metas cholesky_inverse(const Call& call) { return {by_columns(matrix::square(call, "self"))}; }

Metas determinant(const Call& call) {
  const Matrices a = matrix::square(call, "A");
  return {per_matrix(a, a.dtype()), by_columns(a), pivots(a)};
}

Metas sign_and_log_determinant(const Call& call) {
  const Matrices a = matrix::square(call, "A");
  return {per_matrix(a, a.dtype()), per_matrix(a, a.real()), by_columns(a), pivots(a)};
}

Metas lu_factor(const Call& call) {
  const Matrices a = matrix::matrices(call, "A");
  return {by_columns(a), pivots(a), info(a)};
}

Metas lu(const Call& call) {
  const Matrices a = matrix::matrices(call, "A");
  const TensorMeta permutation = call.flag("pivot") ? by_rows(a, a.rows(), a.rows()) : nothing(a, a.dtype());
  return {permutation, by_rows(a, a.rows(), a.shorter()), by_rows(a, a.shorter(), a.columns())};
}

Metas lu_unpack(const Call& call) {
  const Matrices a = matrix::matrices(call, "LU_data");
  const bool factors = call.flag("unpack_data");
  return {call.flag("unpack_pivots") ? by_rows(a, a.rows(), a.rows()) : nothing(a, a.dtype()),
          factors ? by_rows(a, a.rows(), a.shorter()) : nothing(a, a.dtype()),
          factors ? by_rows(a, a.shorter(), a.columns()) : nothing(a, a.dtype())};
}

Metas ldl_factor(const Call& call) {
  const Matrices a = matrix::square(call, "self");
  return {by_columns(a), pivots(a), info(a)};
}

Metas qr(const Call& call) {
  const Matrices a = matrix::matrices(call, "A");
  const std::string_view mode = call.text("mode");
  const c10::SymInt inner = mode == "complete" ? a.rows() : a.shorter();
  return {mode == "r" ? nothing(a, a.dtype()) : by_columns(a, a.rows(), inner), by_columns(a, inner, a.columns())};
}

/// A factor in place of the matrices, and a scalar per reflector.
Metas geqrf(const Call& call) {
  const Matrices a = matrix::matrices(call, "self");
  return {by_columns(a), per_matrix(a, a.shorter(), a.dtype())};
}

Metas householder_product(const Call& call) { return {by_columns(matrix::matrices(call, "input"))}; }

/// The product of reflectors with a matrix.
Metas ormqr(const Call& call) { return {by_columns(matrix::matrices(call, "input3"))}; }

// Eigenvalues and singular values ------------------------------------------------------------------------------------

Metas eigh(const Call& call) {
  const Matrices a = matrix::square(call, "A");
  return {per_matrix(a, a.rows(), a.real()), call.flag("compute_v") ? by_columns(a) : nothing(a, a.dtype())};
}

Metas eigenvalues(const Call& call) {
  const Matrices a = matrix::square(call, "self");
  return {per_matrix(a, a.rows(), c10::toComplexType(a.dtype()))};
}

Metas eig(const Call& call) {
  const Matrices a = matrix::square(call, "self");
  TensorMeta vectors = by_columns(a);
  vectors.dtype = c10::toComplexType(a.dtype());
  return {per_matrix(a, a.rows(), vectors.dtype), vectors};
}

Metas svd(const Call& call) {
  const Matrices a = matrix::matrices(call, "A");
  const TensorMeta values = per_matrix(a, a.shorter(), a.real());
  if (!call.flag("compute_uv")) return {nothing(a, a.dtype()), values, nothing(a, a.dtype())};
  const bool full = call.flag("full_matrices");
  return {by_columns(a, a.rows(), full ? a.rows() : a.shorter()), values,
          by_columns(a, full ? a.columns() : a.shorter(), a.columns())};
}

// Functions of matrices ----------------------------------------------------------------------------------------------

Metas exponential(const Call& call) {
  const Matrices a = matrix::square(call, "self");
  return {by_rows(a, a.rows(), a.columns())};
}

Metas pseudoinverse(const Call& call) {
  const Matrices a = matrix::matrices(call, "self");
  return {by_rows(a, a.columns(), a.rows())};
}

// Solutions ----------------------------------------------------------------------------------------------------------

Metas solve(const Call& call) {
  const Matrices a = matrix::square(call, "A");
  const TensorMeta& b = call.tensor("B");
  const bool left = call.flag("left");
  return {matrix::solution(a, b, left, matrix::is_vector(a, b)), by_columns(a), pivots(a), info(a)};
}

Metas lu_solve(const Call& call) {
  const Matrices a = matrix::square(call, "LU");
  return {matrix::solution(a, call.tensor("B"), call.flag("left"), /*is_vector=*/false)};
}

Metas ldl_solve(const Call& call) {
  return {matrix::solution(matrix::square(call, "LD"), call.tensor("B"), /*left=*/true, /*is_vector=*/false)};
}

Metas cholesky_solve(const Call& call) {
  return {matrix::solution(matrix::square(call, "input2"), call.tensor("self"), /*left=*/true, /*is_vector=*/false)};
}

/// The factor comes back with the solution, as many times as there are right sides.
Metas triangular_solve(const Call& call) {
  const Matrices a = matrix::square(call, "A");
  const TensorMeta result = matrix::solution(a, call.tensor("self"), /*left=*/true, /*is_vector=*/false);
  const Matrices batch(result);
  return {result, by_columns(batch, a.rows(), a.columns())};
}

Metas solve_triangular(const Call& call) {
  const Matrices a = matrix::square(call, "self");
  const TensorMeta result = matrix::solution(a, call.tensor("B"), call.flag("left"), /*is_vector=*/false);
  return {by_columns(Matrices(result))};
}

}  // namespace

std::span<const Operator> factorization_operators() {
  static constexpr Operator table[] = {
      // Factors
      {.name = "aten::_linalg_det", .meta = determinant},
      {.name = "aten::_linalg_slogdet", .meta = sign_and_log_determinant},
      {.name = "aten::cholesky", .meta = cholesky},
      {.name = "aten::cholesky_inverse", .meta = cholesky_inverse},
      {.name = "aten::geqrf", .meta = geqrf},
      {.name = "aten::linalg_cholesky_ex", .meta = cholesky_ex},
      {.name = "aten::linalg_householder_product", .meta = householder_product},
      {.name = "aten::linalg_inv_ex", .meta = inverse_ex},
      {.name = "aten::linalg_ldl_factor_ex", .meta = ldl_factor},
      {.name = "aten::linalg_lu", .meta = lu},
      {.name = "aten::linalg_lu_factor_ex", .meta = lu_factor},
      {.name = "aten::linalg_qr", .meta = qr},
      {.name = "aten::lu_unpack", .meta = lu_unpack},
      {.name = "aten::ormqr", .meta = ormqr},

      // Eigenvalues and singular values
      {.name = "aten::_linalg_eigh", .meta = eigh},
      {.name = "aten::_linalg_eigvals", .meta = eigenvalues},
      {.name = "aten::_linalg_svd", .meta = svd},
      {.name = "aten::linalg_eig", .meta = eig},

      // Functions of matrices
      {.name = "aten::linalg_matrix_exp", .meta = exponential},
      {.name = "aten::linalg_pinv.atol_rtol_tensor", .meta = pseudoinverse},

      // Solutions
      {.name = "aten::_linalg_solve_ex", .meta = solve},
      {.name = "aten::cholesky_solve", .meta = cholesky_solve},
      {.name = "aten::linalg_ldl_solve", .meta = ldl_solve},
      {.name = "aten::linalg_lstsq", .meta = least_squares},
      {.name = "aten::linalg_lu_solve", .meta = lu_solve},
      {.name = "aten::linalg_solve_triangular", .meta = solve_triangular},
      {.name = "aten::triangular_solve", .meta = triangular_solve},

      {.name = "aten::_linalg_check_errors", .meta = matrix::no_result},
  };
  return table;
}

}  // namespace tracejet
