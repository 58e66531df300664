// PyTorch: aten/src/ATen/native/BatchLinearAlgebra.cpp (linalg_lstsq).
#include "ops/linear_algebra/least_squares.h"

#include <algorithm>

#include "ops/indexing/data_dependent.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

/// A @ X = B, for a batch of matrices A of [rows, columns].
struct Problem {
  const TensorMeta& a;
  const TensorMeta& b;
  c10::SymInt rows, columns;
  bool is_vector;  ///< each B is one vector, without an axis for several
  Sizes batch;
};

bool is_one_vector(const TensorMeta& a, const TensorMeta& b) {
  if (b.dim() == 1) return true;
  if (b.dim() != a.dim() - 1) return false;
  return std::equal(b.sizes.begin(), b.sizes.end(), a.sizes.begin(), shape::equal);
}

Problem read(const Call& call) {
  const TensorMeta &a = call.tensor("self"), &b = call.tensor("b");
  const auto message = [&] {
    return "self is " + shape::text(a.sizes) + " and b is " + shape::text(b.sizes) +
           ", expected matrices of as many rows";
  };
  require(a.dim() >= 2 && b.dim() >= 1, message);
  const bool is_vector = is_one_vector(a, b);
  const c10::SymIntArrayRef left(a.sizes), right(b.sizes);
  const size_t own = is_vector ? 1 : 2;
  const c10::SymInt rows = left[left.size() - 2];
  require_equal_sizes(rows, right[right.size() - own], message);
  return {a,           b,         rows,
          left.back(), is_vector, shape::broadcast(left.slice(0, left.size() - 2), right.slice(0, right.size() - own))};
}

/// LAPACK solves in place of B, column by column, with room for whichever of B and X is larger.
TensorMeta solution(const Problem& problem) {
  const c10::SymInt room = problem.rows.max(problem.columns);
  Sizes stored = problem.batch;
  if (!problem.is_vector) stored.push_back(problem.b.sizes.back());
  stored.push_back(room);
  TensorMeta result = shape::contiguous(std::move(stored), problem.b.dtype, problem.b.device);
  result.sizes.back() = problem.columns;
  if (!problem.is_vector) {
    std::swap(result.sizes[result.sizes.size() - 2], result.sizes.back());
    std::swap(result.strides[result.strides.size() - 2], result.strides.back());
  }
  return result;
}

/// The sums of squares that are left: of overdetermined problems, and only if the rank is full.
Sizes residuals(const Problem& problem, std::string_view driver) {
  if (driver == "gelsy") return {0};
  const c10::SymBool is_overdetermined = problem.rows.sym_gt(problem.columns);
  const bool are_there = is_overdetermined.guard_bool(__FILE__, __LINE__);
  require(are_there ? is_overdetermined : problem.rows.sym_le(problem.columns),
          [] { return "there are residuals at some of these sizes only"; });
  if (!are_there) return {0};
  const c10::SymInt count = problem.is_vector ? c10::SymInt(1) : problem.b.sizes.back();
  Sizes sizes = problem.batch;
  if (driver != "gels") {
    if (!sizes.empty()) throw DataDependent("there are only residuals if all ranks are full, which the data decides");
    return {unknown_size(count)};
  }
  sizes.push_back(count);
  return sizes;
}

}  // namespace

std::vector<TensorMeta> least_squares(const Call& call) {
  const Problem problem = read(call);
  const std::string driver(call.has("driver") ? call.text("driver") : "gelsy");
  const auto made = [&](Sizes sizes, at::ScalarType dtype) {
    return shape::contiguous(std::move(sizes), dtype, problem.a.device);
  };
  const auto real = c10::toRealValueType(problem.a.dtype);
  Sizes singular = problem.batch;
  singular.push_back(problem.rows.min(problem.columns));
  const bool finds_singular_values = driver == "gelsd" || driver == "gelss";
  return {solution(problem), made(residuals(problem, driver), real),
          made(driver == "gels" ? Sizes{0} : problem.batch, at::kLong),
          made(finds_singular_values ? singular : Sizes{0}, real)};
}

}  // namespace tracejet
