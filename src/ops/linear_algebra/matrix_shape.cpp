// PyTorch: aten/src/ATen/native/LinearAlgebraUtils.h (batched_matrix_contiguous_strides),
// aten/src/ATen/native/BatchLinearAlgebra.cpp.
#include "ops/linear_algebra/matrix_shape.h"

#include <algorithm>
#include <utility>

#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet::matrix {

namespace {

Sizes followed(c10::SymIntArrayRef batch, std::initializer_list<c10::SymInt> rest) {
  Sizes sizes(batch.begin(), batch.end());
  sizes.append(rest.begin(), rest.end());
  return sizes;
}

/// As ATen's batched_matrix_contiguous_strides: also of an axis more or less than two, whose last two are swapped.
TensorMeta stored_by_columns(Sizes sizes, at::ScalarType dtype, c10::Device device) {
  TensorMeta result = shape::contiguous(std::move(sizes), dtype, device);
  const size_t rank = result.sizes.size();
  result.strides[rank - 2] = 1;
  result.strides[rank - 1] = result.sizes[rank - 2].max(1);
  return result;
}

}  // namespace

Matrices matrices(const Call& call, std::string_view name) {
  const TensorMeta& meta = call.tensor(name);
  require(meta.dim() >= 2,
          [&] { return std::string(name) + " is " + shape::text(meta.sizes) + ", expected at least 2 axes"; });
  return Matrices(meta);
}

Matrices square(const Call& call, std::string_view name) {
  Matrices a = matrices(call, name);
  require_equal_sizes(a.rows(), a.columns(), [&] {
    return std::string(name) + " is " + shape::text(a.meta().sizes) + ", expected square matrices";
  });
  return a;
}

TensorMeta by_columns(const Matrices& a, const c10::SymInt& rows, const c10::SymInt& columns) {
  return stored_by_columns(followed(a.batch(), {rows, columns}), a.dtype(), a.meta().device);
}

TensorMeta by_columns(const Matrices& a) { return by_columns(a, a.rows(), a.columns()); }

TensorMeta by_rows(const Matrices& a, const c10::SymInt& rows, const c10::SymInt& columns) {
  return shape::contiguous(followed(a.batch(), {rows, columns}), a.dtype(), a.meta().device);
}

TensorMeta per_matrix(const Matrices& a, at::ScalarType dtype) {
  return shape::contiguous(followed(a.batch(), {}), dtype, a.meta().device);
}

TensorMeta per_matrix(const Matrices& a, const c10::SymInt& count, at::ScalarType dtype) {
  return shape::contiguous(followed(a.batch(), {count}), dtype, a.meta().device);
}

TensorMeta nothing(const Matrices& a, at::ScalarType dtype) { return shape::contiguous({0}, dtype, a.meta().device); }

std::vector<TensorMeta> no_result(const Call&) { return {}; }

bool is_vector(const Matrices& a, const TensorMeta& b) {
  if (b.dim() == 1) return true;
  if (b.dim() != a.meta().dim() - 1) return false;
  return std::ranges::equal(c10::SymIntArrayRef(b.sizes), c10::SymIntArrayRef(a.meta().sizes).slice(0, b.sizes.size()),
                            [](const c10::SymInt& x, const c10::SymInt& y) { return shape::equal(x, y); });
}

TensorMeta solution(const Matrices& a, const TensorMeta& b, bool left, bool is_vector) {
  const auto message = [&] {
    return "the matrices are " + shape::text(a.meta().sizes) + " and the right sides " + shape::text(b.sizes) +
           ", expected sizes that fit" + (left ? "" : ", with the matrices on the right");
  };
  require(is_vector || b.dim() >= 2, message);
  require(left || !is_vector, message);
  const c10::SymIntArrayRef sizes(b.sizes);
  const size_t own = is_vector ? 1 : 2;
  require_equal_sizes(a.rows(), left ? sizes[sizes.size() - own] : sizes.back(), message);
  Sizes result = shape::broadcast(sizes.slice(0, sizes.size() - own), a.batch());
  result.append(sizes.end() - own, sizes.end());
  if (!left || result.size() < 2) return shape::contiguous(std::move(result), b.dtype, b.device);
  return stored_by_columns(std::move(result), b.dtype, b.device);
}

}  // namespace tracejet::matrix
