#pragma once

#include <string_view>
#include <vector>

#include "ir/call.h"
#include "ir/tensor_meta.h"

/// What shape rules of operators on batches of matrices share.
namespace tracejet::matrix {

/// A tensor of at least two axes, seen as a batch of matrices.
class Matrices {
 public:
  explicit Matrices(TensorMeta meta) : meta_(std::move(meta)) {}

  const TensorMeta& meta() const { return meta_; }
  const c10::SymInt& rows() const { return meta_.sizes[meta_.sizes.size() - 2]; }
  const c10::SymInt& columns() const { return meta_.sizes.back(); }
  c10::SymInt shorter() const { return rows().min(columns()); }
  c10::SymIntArrayRef batch() const { return c10::SymIntArrayRef(meta_.sizes).slice(0, meta_.sizes.size() - 2); }
  at::ScalarType dtype() const { return meta_.dtype; }
  at::ScalarType real() const { return c10::toRealValueType(meta_.dtype); }

 private:
  TensorMeta meta_;
};

/// The argument of this name. Throws ShapeError where it has less than two axes, or isn't square; guards the latter.
Matrices matrices(const Call& call, std::string_view name);
Matrices square(const Call& call, std::string_view name);

// Results, of the batch and device of `a` ----------------------------------------------------------------------------

/// Dense matrices of the dtype of `a`, stored column by column as LAPACK writes them, or row by row.
TensorMeta by_columns(const Matrices& a, const c10::SymInt& rows, const c10::SymInt& columns);
TensorMeta by_rows(const Matrices& a, const c10::SymInt& rows, const c10::SymInt& columns);
/// Of the same size as `a`.
TensorMeta by_columns(const Matrices& a);
/// One number, or `count` of them, for each matrix.
TensorMeta per_matrix(const Matrices& a, at::ScalarType dtype);
TensorMeta per_matrix(const Matrices& a, const c10::SymInt& count, at::ScalarType dtype);
/// An empty vector in the place of a result that isn't asked for.
TensorMeta nothing(const Matrices& a, at::ScalarType dtype);
/// The rule of operators that return nothing at all.
std::vector<TensorMeta> no_result(const Call& call);

// Solutions ----------------------------------------------------------------------------------------------------------

/// Whether `b` is one right side for each of the matrices, rather than a matrix of them. Guards.
bool is_vector(const Matrices& a, const TensorMeta& b);
/// X with A X = B, or X A = B unless `left`; batches are broadcast. Throws ShapeError where the sizes don't fit.
TensorMeta solution(const Matrices& a, const TensorMeta& b, bool left, bool is_vector);

}  // namespace tracejet::matrix
