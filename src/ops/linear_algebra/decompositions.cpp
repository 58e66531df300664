// PyTorch: aten/src/ATen/native/LinearAlgebra.cpp, aten/src/ATen/native/Linear.cpp (linear, bilinear),
// aten/src/ATen/native/Blas.cpp (dot, vdot, mv), aten/src/ATen/native/Cross.cpp (linalg_cross),
// aten/src/ATen/native/Distance.cpp (cdist, _euclidean_dist), aten/src/ATen/native/Correlation.cpp (cov).
#include "ops/linear_algebra/decompositions.h"

#include <algorithm>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/_cdist_forward.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_tensorinv_compositeimplicitautograd_dispatch.h>
#include <ATen/ops/linalg_vander_compositeimplicitautograd_dispatch.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/slice.h>
#include <ATen/ops/squeeze.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/t.h>
#include <ATen/ops/unsqueeze.h>

#include "ir/tensor_meta.h"
#include "ops/optional_tensor.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet::decompositions {

namespace {

bool is(const at::Scalar& factor, int64_t number) { return !factor.isSymbolic() && factor.equal(number); }

/// Integers stay integers: their factors lose what is behind the point.
at::Scalar factor_of(const at::Tensor& product, const at::Scalar& number) {
  const bool is_cut = c10::isIntegralType(product.scalar_type(), /*includeBool=*/false) && number.isFloatingPoint();
  return is_cut ? at::Scalar(number.toLong()) : number;
}

/// beta * self + alpha * product. A factor of 1 costs nothing, and with beta = 0 self isn't even read.
at::Tensor weighted_sum(const at::Tensor& self, const at::Scalar& given_beta, const at::Tensor& product,
                        const at::Scalar& given_alpha) {
  const at::Scalar beta = factor_of(product, given_beta), alpha = factor_of(product, given_alpha);
  const at::Tensor scaled = is(alpha, 1) ? product : product * alpha;
  if (is(beta, 0)) return scaled;
  return (is(beta, 1) ? self : self * beta) + scaled;
}

/// One matrix product; the rows of all leading axes are laid out one after the other.
at::Tensor matrix_linear(const at::Tensor& rows, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  const at::Tensor transposed = weight.permute({1, 0});
  return bias ? at::addmm(*bias, rows, transposed) : at::mm(rows, transposed);
}

}  // namespace

at::Tensor linear(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  const bool has_bias = given(bias);
  if (weight.dim() != 2 || input.dim() == 0) {
    require(!has_bias || weight.dim() == 2,
            [&] { return "weight is " + shape::text(weight.sym_sizes()) + " beside a bias, expected a matrix"; });
    const at::Tensor product = at::matmul(input, weight);
    return has_bias ? product + *bias : product;
  }
  // A bias with axes of its own (none of torch.nn's has them) is only right to add where those axes still exist.
  if (has_bias && bias->dim() > 1) return linear(input, weight, std::nullopt) + *bias;
  const std::optional<at::Tensor> addend = has_bias ? bias : std::nullopt;
  if (input.dim() == 2) return matrix_linear(input, weight, addend);
  Sizes sizes(input.sym_sizes());
  c10::SymInt rows = 1;
  for (size_t i = 0; i + 1 < sizes.size(); ++i) rows = rows * sizes[i];
  const at::Tensor product = matrix_linear(input.reshape_symint({rows, sizes.back()}), weight, addend);
  sizes.back() = weight.sym_size(0);
  return product.view_symint(sizes);
}

/// y[n, o] = x1[n, :] W[o, :, :] x2[n, :]: one product for all o, then one per row.
at::Tensor bilinear(const at::Tensor& input1, const at::Tensor& input2, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias) {
  Sizes sizes(input1.sym_sizes());
  require(weight.dim() == 3 && input1.dim() == input2.dim() && input1.dim() >= 1, [&] {
    return "input1 is " + shape::text(sizes) + ", input2 is " + shape::text(input2.sym_sizes()) + " and weight is " +
           shape::text(weight.sym_sizes()) + ", expected [..., in1], [..., in2] and [out, in1, in2]";
  });
  const c10::SymInt features1 = weight.sym_size(1), features2 = weight.sym_size(2), outputs = weight.sym_size(0);
  shape::require_equal(sizes.back(), features1, "the last axis of input1 and the weight's axis 1");
  shape::require_equal(input2.sym_size(-1), features2, "the last axis of input2 and the weight's axis 2");
  // Eager counts the rows as what is left of the elements.
  require(features1.sym_ge(1), [&] { return "input1 is " + shape::text(sizes) + ", without features"; });
  require(features2.sym_ge(1), [&] { return "input2 is " + shape::text(input2.sym_sizes()) + ", without features"; });
  if (given(bias)) {
    require(bias->dim() == 1, [&] { return "bias is " + shape::text(bias->sym_sizes()) + ", expected one axis"; });
    shape::require_equal(bias->sym_size(0), outputs, "the bias and the weight's axis 0");
  }
  c10::SymInt rows = 1;
  for (size_t i = 0; i + 1 < sizes.size(); ++i) {
    shape::require_equal(sizes[i], input2.sym_sizes()[i], "the axes of input1 and input2 but the last");
    rows = rows * sizes[i];
  }
  const at::Tensor left = input1.reshape_symint({rows, features1});
  const at::Tensor right = input2.reshape_symint({rows, features2, 1});
  const at::Tensor weights = weight.permute({1, 0, 2}).reshape_symint({features1, outputs * features2});
  sizes.back() = outputs;
  const at::Tensor product =
      at::bmm(at::mm(left, weights).view_symint({rows, outputs, features2}), right).view_symint(sizes);
  return given(bias) ? product + *bias : product;
}

at::Tensor mv(const at::Tensor& self, const at::Tensor& vec) {
  return at::sum(self * vec, 1, /*keepdim=*/false, self.scalar_type());
}

at::Tensor dot(const at::Tensor& self, const at::Tensor& other) { return at::sum(self * other, self.scalar_type()); }

at::Tensor vdot(const at::Tensor& self, const at::Tensor& other) { return dot(self.conj(), other); }

at::Tensor baddbmm_in_dtype(const at::Tensor& self, const at::Tensor& batch1, const at::Tensor& batch2,
                            at::ScalarType out_dtype, const at::Scalar& beta, const at::Scalar& alpha) {
  return at::baddbmm(self.to(out_dtype), batch1.to(out_dtype), batch2.to(out_dtype), beta, alpha);
}

at::Tensor baddbmm(const at::Tensor& self, const at::Tensor& batch1, const at::Tensor& batch2, const at::Scalar& beta,
                   const at::Scalar& alpha) {
  const at::Tensor product = at::bmm(batch1, batch2);
  const at::Tensor result = weighted_sum(self, beta, product, alpha);
  return result;
}

at::Tensor addr(const at::Tensor& self, const at::Tensor& vec1, const at::Tensor& vec2, const at::Scalar& beta,
                const at::Scalar& alpha) {
  require(vec1.dim() == 1 && vec2.dim() == 1, [&] {
    return "vec1 is " + shape::text(vec1.sym_sizes()) + " and vec2 is " + shape::text(vec2.sym_sizes()) +
           ", expected vectors";
  });
  // Eager expands self first: of one number the dtype counts as that of any tensor.
  const at::ScalarType dtype =
      c10::promoteTypes(self.scalar_type(), c10::promoteTypes(vec1.scalar_type(), vec2.scalar_type()));
  at::Tensor sum = weighted_sum(self.to(dtype), beta, vec1.to(dtype).unsqueeze(1) * vec2.to(dtype), alpha);
  shape::require_equal(sum.sym_size(0), vec1.sym_size(0), "the rows of self, where they aren't 1, and vec1");
  shape::require_equal(sum.sym_size(1), vec2.sym_size(0), "the columns of self, where they aren't 1, and vec2");
  return sum;
}

/// Every element of one tensor times every element of the other; the two sizes of an axis become their product.
namespace {

/// The cheapest way to multiply a chain of matrices; `sizes` has one number more than there are matrices. `split[i][j]`
/// is the number of matrices that stand left of the last product of those from i to j.
std::vector<std::vector<size_t>> cheapest_splits(const std::vector<int64_t>& sizes) {
  const size_t count = sizes.size() - 1;
  std::vector<std::vector<double>> cost(count, std::vector<double>(count, 0));
  std::vector<std::vector<size_t>> split(count, std::vector<size_t>(count, 0));
  for (size_t length = 1; length < count; ++length) {
    for (size_t i = 0, j = length; j < count; ++i, ++j) {
      cost[i][j] = std::numeric_limits<double>::infinity();
      for (size_t k = i; k < j; ++k) {
        const double last = static_cast<double>(sizes[i]) * static_cast<double>(sizes[k + 1] * sizes[j + 1]);
        const double all = cost[i][k] + cost[k + 1][j] + last;
        if (all < cost[i][j]) cost[i][j] = all, split[i][j] = k;
      }
    }
  }
  return split;
}

at::Tensor product_of(const std::vector<at::Tensor>& chain, const std::vector<std::vector<size_t>>& split, size_t i,
                      size_t j) {
  if (i == j) return chain[i];
  const size_t k = split[i][j];
  return at::mm(product_of(chain, split, i, k), product_of(chain, split, k + 1, j));
}

}  // namespace

at::Tensor multi_dot(at::TensorList tensors) {
  require(tensors.size() >= 2, [&] { return "expected two matrices at least, got " + std::to_string(tensors.size()); });
  std::vector<at::Tensor> chain(tensors.begin(), tensors.end());
  const bool starts_with_vector = chain.front().dim() == 1, ends_with_vector = chain.back().dim() == 1;
  if (starts_with_vector) chain.front() = chain.front().unsqueeze(0);
  if (ends_with_vector) chain.back() = chain.back().unsqueeze(1);
  std::vector<int64_t> sizes;
  for (const at::Tensor& matrix : chain) {
    require(matrix.dim() == 2, [&] { return "expected matrices, got " + shape::text(matrix.sym_sizes()); });
    if (const auto rows = matrix.sym_size(0).maybe_as_int()) sizes.push_back(*rows);
  }
  if (const auto columns = chain.back().sym_size(1).maybe_as_int()) sizes.push_back(*columns);
  at::Tensor product;
  if (sizes.size() == chain.size() + 1) {
    product = product_of(chain, cheapest_splits(sizes), 0, chain.size() - 1);
  } else {
    product = chain.front();
    for (size_t i = 1; i < chain.size(); ++i) product = at::mm(product, chain[i]);
  }
  if (ends_with_vector) product = product.squeeze(1);
  return starts_with_vector ? product.squeeze(0) : product;
}

at::Tensor cross(const at::Tensor& self, const at::Tensor& other, int64_t dim) {
  const auto message = [&] {
    return "self is " + shape::text(self.sym_sizes()) + " and other is " + shape::text(other.sym_sizes()) +
           ", expected as many axes, and 3 on axis " + std::to_string(dim);
  };
  require(self.dim() == other.dim(), message);
  const int64_t axis = shape::wrap_axis(dim, self.dim());
  require_equal_sizes(self.sym_size(axis), 3, message);
  require_equal_sizes(other.sym_size(axis), 3, message);
  require(self.scalar_type() == other.scalar_type(), [&] {
    return std::string("self is ") + at::toString(self.scalar_type()) + ", other is " +
           at::toString(other.scalar_type()) + ", expected the same dtype";
  });
  // Each coordinate of a product is made of the next one and the one after.
  const auto next = [&](const at::Tensor& vectors, int64_t by) {
    return at::cat({at::slice(vectors, axis, by, 3), at::slice(vectors, axis, 0, by)}, axis);
  };
  return next(self, 1) * next(other, 2) - next(self, 2) * next(other, 1);
}

at::Tensor kron(const at::Tensor& self, const at::Tensor& other) {
  const int64_t rank = std::max(self.dim(), other.dim());
  const auto size = [&](const at::Tensor& tensor, int64_t axis) {
    const int64_t own = axis - (rank - tensor.dim());
    return own < 0 ? c10::SymInt(1) : tensor.sym_size(own);
  };
  Sizes outer, inner, joined;
  for (int64_t axis = 0; axis < rank; ++axis) {
    const c10::SymInt a = size(self, axis), b = size(other, axis);
    outer.append({a, 1});
    inner.append({1, b});
    joined.push_back(a * b);
  }
  return (self.reshape_symint(outer) * other.reshape_symint(inner)).reshape_symint(joined);
}

/// Whether products of matrices are faster depends on the number of rows, and the kernel asks for itself.
at::Tensor cdist(const at::Tensor& x1, const at::Tensor& x2, double p, std::optional<int64_t> compute_mode) {
  return at::_cdist_forward(x1, x2, p, compute_mode);
}

/// |a - b|^2 = |a|^2 - 2ab + |b|^2, all of it in one product of matrices.
at::Tensor euclidean_dist(const at::Tensor& x1, const at::Tensor& x2) {
  const at::Tensor square1 = x1.pow(2).sum(-1, /*keepdim=*/true), square2 = x2.pow(2).sum(-1, /*keepdim=*/true);
  const at::Tensor left = at::cat({x1 * -2, square1, at::ones_like(square1)}, -1);
  const at::Tensor right = at::cat({x2, at::ones_like(square2), square2}, -1);
  return at::matmul(left, right.transpose(-2, -1)).clamp_min(0).sqrt();
}

namespace {

/// A weight for each observation.
void require_weights(const at::Tensor& weights, const at::Tensor& rows, bool are_counts) {
  const at::ScalarType dtype = weights.scalar_type();
  require(
      weights.dim() <= 1 && (are_counts ? at::isIntegralType(dtype, /*includeBool=*/false) : at::isFloatingType(dtype)),
      [&] {
        return std::string(are_counts ? "fweights are " : "aweights are ") + at::toString(dtype) + " of " +
               shape::text(weights.sym_sizes()) + ", expected " + (are_counts ? "integers" : "floats") +
               " along one axis";
      });
  shape::require_equal(weights.sym_numel(), rows.sym_size(1), "the weights and the observations");
}

}  // namespace

/// Without ATen's look at the weights' data. Where it warns that no degrees of freedom are left, this divides by 0 too.
at::Tensor cov(const at::Tensor& self, int64_t correction, const std::optional<at::Tensor>& fweights,
               const std::optional<at::Tensor>& aweights) {
  const at::Tensor rows = self.dim() < 2 ? self.reshape({1, -1}) : self;
  const bool is_repeated = given(fweights), is_weighted = given(aweights);
  if (is_repeated) require_weights(*fweights, rows, /*are_counts=*/true);
  if (is_weighted) require_weights(*aweights, rows, /*are_counts=*/false);
  // The weights of nothing add up to 0. Of a single observation with one kind of weights, eager writes zeros over self.
  if (is_repeated || is_weighted) {
    require(rows.sym_size(1).sym_ge(is_repeated && is_weighted ? 1 : 2),
            [&] { return "self is " + shape::text(self.sym_sizes()) + ", too few observations for weights"; });
  }
  at::Tensor weights = is_repeated ? *fweights : at::Tensor();
  if (is_weighted) weights = is_repeated ? weights * *aweights : *aweights;
  const auto weighted = [&](const at::Tensor& tensor) { return weights.defined() ? tensor * weights : tensor; };
  const at::Tensor count =
      weights.defined() ? at::sum(weights)
                        : at::full(at::IntArrayRef{}, at::Scalar(rows.sym_size(1)), self.options().dtype(at::kLong));
  const at::Tensor centred = rows - at::unsqueeze(at::sum(weighted(rows), 1) / count, 1);
  const at::Tensor lost =
      is_weighted && correction != 0 ? at::sum(weights * *aweights) * correction / count : at::Tensor();
  const at::Tensor freedom = at::clamp(lost.defined() ? count - lost : count - correction, 0);
  return at::squeeze(at::mm(centred, at::t(weighted(centred)).conj()) / freedom);
}

/// ATen's own composite, which checks the number of columns in words that a trace can't tell from a branch.
at::Tensor vander(const at::Tensor& x, std::optional<c10::SymInt> columns) {
  const c10::SymInt count = columns ? *columns : x.sym_size(-1);
  require(count.sym_ge(2), [&] { return "N is " + shape::text({count}) + ", expected at least 2"; });
  return at::compositeimplicitautograd::linalg_vander_symint(x, columns);
}

/// As above, for whether the matrix is square.
at::Tensor tensorinv(const at::Tensor& self, int64_t ind) {
  require(ind > 0, [&] { return "ind is " + std::to_string(ind) + ", expected at least 1"; });
  const c10::SymIntArrayRef sizes = self.sym_sizes();
  const auto rows = static_cast<size_t>(std::min<int64_t>(ind, self.dim()));
  shape::require_equal(c10::multiply_integers(sizes.slice(0, rows)), c10::multiply_integers(sizes.slice(rows)),
                       "the elements of the axes before ind and of those from there on");
  return at::compositeimplicitautograd::linalg_tensorinv(self, ind);
}

}  // namespace tracejet::decompositions
