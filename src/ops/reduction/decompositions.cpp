// PyTorch: aten/src/ATen/native/ReduceOps.cpp, aten/src/ATen/native/ReduceAllOps.cpp (max, min),
// aten/src/ATen/native/LinearAlgebra.cpp (linalg_vector_norm), aten/src/ATen/native/TensorAdvancedIndexing.cpp
// (count_nonzero), aten/src/ATen/native/Normalization.cpp (renorm).
#include "ops/reduction/decompositions.h"

#include <limits>

#include <ATen/ops/abs.h>
#include <ATen/ops/add.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/amin.h>
#include <ATen/ops/any.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/div.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/gt.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/log.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/ne.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/reshape.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/where.h>

#include "ir/size_expression.h"
#include "ops/numbers.h"
#include "ops/refusal.h"
#include "ops/shape/promotion.h"
#include "ops/shape/shape.h"

namespace tracejet::decompositions {

namespace {

/// All axes if there is no list or an empty one.
std::vector<int64_t> reduced_axes(const at::Tensor& self, OptionalAxes dim) {
  std::vector<int64_t> axes;
  if (dim && !dim->empty()) {
    for (int64_t axis : *dim) axes.push_back(shape::wrap_axis(axis, self.dim()));
  } else {
    for (int64_t axis = 0; axis < self.dim(); ++axis) axes.push_back(axis);
  }
  return axes;
}

at::Tensor as(const at::Tensor& self, at::ScalarType dtype) {
  return self.scalar_type() == dtype ? self : self.to(dtype);
}

/// 16-bit floats are summed in float32, as kernels do.
at::Tensor for_computation(const at::Tensor& self) { return as(self, promotion::to_computation(self.scalar_type())); }

}  // namespace

// Sums, products, means ----------------------------------------------------------------------------------------------

at::Tensor count_nonzero(const at::Tensor& self, std::optional<int64_t> dim) {
  return at::sum(at::ne(self, 0), dim ? at::IntArrayRef(*dim) : at::IntArrayRef());
}

at::Tensor count_nonzero_axes(const at::Tensor& self, at::IntArrayRef dim) { return at::sum(at::ne(self, 0), dim); }

at::Tensor nansum(const at::Tensor& self, OptionalAxes dim, bool keepdim, OptionalType dtype) {
  if (c10::isIntegralType(self.scalar_type(), /*includeBool=*/true)) return at::sum(self, dim, keepdim, dtype);
  return at::sum(at::where(at::isnan(self), scalar_like(self, 0), self), dim, keepdim, dtype);
}

at::Tensor sum(const at::Tensor& self, OptionalType dtype) {
  return at::sum(self, at::IntArrayRef(), /*keepdim=*/false, dtype);
}

// Variances and norms ------------------------------------------------------------------------------------------------

namespace {

c10::SymInt count_along(const at::Tensor& self, at::IntArrayRef axes) {
  c10::SymInt count = 1;
  for (int64_t axis : axes) {
    if (self.dim() > 0) count = count * self.sym_size(axis);
  }
  return count;
}

/// max(n - correction, 0)
at::Scalar degrees_of_freedom(const c10::SymInt& n, double correction) {
  if (const auto known = n.maybe_as_int())
    return *known == 0 ? 0.0 : std::max(static_cast<double>(*known) - correction, 0.0);  // of nothing, there is none
  const auto whole = static_cast<int64_t>(correction);
  if (static_cast<double>(whole) == correction) {
    const c10::SymInt freedom = (n - whole).max(0);
    return at::Scalar(whole < 0 ? freedom * n.min(1) : freedom);
  }
  return at::Scalar(c10::SymFloat(n) - correction);
}

/// (variance, mean) in the dtype of computation, both with the reduced axes kept as 1 if `keepdim`.
Pair moments(const at::Tensor& self, OptionalAxes dim, const OptionalScalar& correction, bool keepdim) {
  const auto axes = reduced_axes(self, dim);
  const at::Tensor x = for_computation(self);
  const at::Tensor mean = at::mean(x, axes, /*keepdim=*/true);
  const at::Tensor centred = at::sub(x, mean);
  const at::Tensor distance = centred.is_complex() ? at::abs(centred) : centred;
  const at::Tensor squares = at::mul(distance, distance);
  const double removed = correction ? correction->toDouble() : 1;
  const at::Tensor variance =
      removed == 0 ? at::mean(squares, axes, keepdim)
                   : at::div(at::sum(squares, axes, keepdim), degrees_of_freedom(count_along(self, axes), removed));
  return {variance, keepdim ? mean : mean.squeeze(axes)};
}

at::Tensor in_real_type_of(const at::Tensor& result, const at::Tensor& self) {
  return as(result, promotion::to_real(self.scalar_type()));
}

}  // namespace

at::Tensor var(const at::Tensor& self, OptionalAxes dim, const OptionalScalar& correction, bool keepdim) {
  return in_real_type_of(std::get<0>(moments(self, dim, correction, keepdim)), self);
}

at::Tensor std_correction(const at::Tensor& self, OptionalAxes dim, const OptionalScalar& correction, bool keepdim) {
  return in_real_type_of(at::sqrt(std::get<0>(moments(self, dim, correction, keepdim))), self);
}

Pair var_mean(const at::Tensor& self, OptionalAxes dim, const OptionalScalar& correction, bool keepdim) {
  const auto [variance, mean] = moments(self, dim, correction, keepdim);
  return {in_real_type_of(variance, self), as(mean, self.scalar_type())};
}

Pair std_mean(const at::Tensor& self, OptionalAxes dim, const OptionalScalar& correction, bool keepdim) {
  const auto [variance, mean] = moments(self, dim, correction, keepdim);
  return {in_real_type_of(at::sqrt(variance), self), as(mean, self.scalar_type())};
}

namespace {

at::Tensor norm_of(const at::Tensor& x, double order, at::IntArrayRef axes, bool keepdim) {
  for (const int64_t axis : order < 0 && x.dim() > 0 ? axes : at::IntArrayRef()) {
    require(x.sym_size(axis).sym_ge(1), [&] {
      return "there is no norm of order " + std::to_string(order) + " of nothing, and axis " + std::to_string(axis) +
             " of " + shape::text(x.sym_sizes()) + " is empty";
    });
  }
  if (order == 0) return as(at::sum(at::ne(x, 0), axes, keepdim), promotion::to_real(x.scalar_type()));
  const bool even = order == 2 && !x.is_complex();
  const at::Tensor magnitude = even ? x : at::abs(x);
  if (order == kInfinity) return at::amax(magnitude, axes, keepdim);
  if (order == -kInfinity) return at::amin(magnitude, axes, keepdim);
  if (order == 1) return at::sum(magnitude, axes, keepdim);
  if (order == 2) return at::sqrt(at::sum(at::mul(magnitude, magnitude), axes, keepdim));
  return at::pow(at::sum(at::pow(magnitude, order), axes, keepdim), 1 / order);
}

}  // namespace

at::Tensor linalg_vector_norm(const at::Tensor& self, const at::Scalar& ord, OptionalAxes dim, bool keepdim,
                              OptionalType dtype) {
  const at::ScalarType given = self.scalar_type();
  require(at::isFloatingType(given) || at::isComplexType(given),
          [&] { return std::string("self is ") + at::toString(given) + ", expected floats or complex numbers"; });
  const auto axes = reduced_axes(self, dim);
  const at::Tensor x = as(self, dtype.value_or(self.scalar_type()));
  return in_real_type_of(norm_of(for_computation(x), ord.toDouble(), axes, keepdim), x);
}

at::Tensor greatest(const at::Tensor& self, at::IntArrayRef axes) {
  // ATen's kernel refuses an empty axis: one that may be empty gets an element more.
  std::vector<int64_t> padding(static_cast<size_t>(2 * self.dim()), 0);
  bool may_be_empty = false;
  for (const int64_t axis : axes) {
    if (self.dim() == 0 || expression_of(self.sym_size(axis)).range().min > 0) continue;
    const int64_t from_last = self.dim() - 1 - shape::wrap_axis(axis, self.dim());
    padding[static_cast<size_t>(2 * from_last + 1)] = 1;
    may_be_empty = true;
  }
  return at::amax(may_be_empty ? at::constant_pad_nd(self, padding, -kInfinity) : self, axes, /*keepdim=*/true);
}

at::Tensor logsumexp(const at::Tensor& self, at::IntArrayRef dim, bool keepdim) {
  const auto axes = reduced_axes(self, dim);
  const at::Tensor x = as(self, promotion::to_float(self.scalar_type()));
  const at::Tensor largest = greatest(x, axes);
  // An infinite maximum would make inf - inf of itself.
  const at::Tensor shift = at::where(at::eq(at::abs(largest), kInfinity), scalar_like(largest, 0), largest);
  const at::Tensor sums = at::sum(at::exp(at::sub(x, shift)), axes, keepdim);
  return at::add(at::log(sums), keepdim ? shift : shift.squeeze(axes));
}

at::Tensor norm_scalar(const at::Tensor& self, const at::Scalar& p) { return at::linalg_vector_norm(self, p); }

at::Tensor norm_axes(const at::Tensor& self, const OptionalScalar& p, at::IntArrayRef dim, bool keepdim) {
  return at::linalg_vector_norm(self, p.value_or(2), dim, keepdim);
}

at::Tensor norm_axes_dtype(const at::Tensor& self, const OptionalScalar& p, at::IntArrayRef dim, bool keepdim,
                           at::ScalarType dtype) {
  return at::linalg_vector_norm(self, p.value_or(2), dim, keepdim, dtype);
}

at::Tensor norm_dtype(const at::Tensor& self, const OptionalScalar& p, at::ScalarType dtype) {
  return at::linalg_vector_norm(self, p.value_or(2), std::nullopt, /*keepdim=*/false, dtype);
}

/// Scales the slices along an axis that are longer than maxnorm down to it.
at::Tensor renorm(const at::Tensor& self, const at::Scalar& p, int64_t dim, const at::Scalar& maxnorm) {
  require(self.dim() >= 2, [&] { return "self is " + shape::text(self.sym_sizes()) + ", expected at least 2 axes"; });
  require(maxnorm.toSymFloat().sym_ge(0.0),
          [&] { return "maxnorm is " + c10::str(maxnorm) + ", expected at least 0"; });
  const int64_t kept = shape::wrap_axis(dim, self.dim());
  std::vector<int64_t> others;
  for (int64_t axis = 0; axis < self.dim(); ++axis) {
    if (axis != kept) others.push_back(axis);
  }
  const at::Tensor norm = norm_of(for_computation(self), p.toDouble(), others, /*keepdim=*/true);
  const at::Tensor scale = at::mul(at::reciprocal(at::add(norm, number(1e-7))), maxnorm);
  const at::Tensor factor = at::where(at::gt(norm, maxnorm), scale, scalar_like(scale, 1));
  return at::mul(self, as(factor, self.scalar_type()));
}

// Extremes -----------------------------------------------------------------------------------------------------------

Pair aminmax(const at::Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  const auto axes = dim ? at::IntArrayRef(*dim) : at::IntArrayRef();
  return {at::amin(self, axes, keepdim), at::amax(self, axes, keepdim)};
}

at::Tensor max(const at::Tensor& self) { return at::amax(self); }

at::Tensor min(const at::Tensor& self) { return at::amin(self); }

// Truth values: all are true where none is false ---------------------------------------------------------------------

namespace {

at::Tensor none_of(const at::Tensor& any_false, const at::Tensor& self) {
  const at::Tensor truth = at::logical_not(any_false);
  return self.scalar_type() == at::kByte ? as(truth, at::kByte) : truth;  // uint8 has always stayed uint8
}

}  // namespace

at::Tensor all(const at::Tensor& self) { return none_of(at::any(at::logical_not(self)), self); }

at::Tensor all_axis(const at::Tensor& self, int64_t dim, bool keepdim) {
  return none_of(at::any(at::logical_not(self), dim, keepdim), self);
}

at::Tensor all_axes(const at::Tensor& self, OptionalAxes dim, bool keepdim) {
  return none_of(at::any(at::logical_not(self), dim, keepdim), self);
}

at::Tensor dist(const at::Tensor& self, const at::Tensor& other, const at::Scalar& p) {
  return at::linalg_vector_norm(at::sub(self, other), p);
}

}  // namespace tracejet::decompositions
