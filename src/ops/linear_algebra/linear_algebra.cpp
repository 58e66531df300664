// Products of matrices and vectors. CPU kernels give every one of them a dense row-major output.
// PyTorch: aten/src/ATen/native/LinearAlgebra.cpp, aten/src/ATen/native/Blas.cpp (addmv, dot, vdot),
// aten/src/ATen/native/Linear.cpp (linear, bilinear), aten/src/ATen/native/Cross.cpp (linalg_cross),
// aten/src/ATen/native/Distance.cpp, aten/src/ATen/native/Correlation.cpp (cov).
#include "ops/families.h"
#include "ops/linear_algebra/decompositions.h"
#include "ops/linear_algebra/einsum.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

const TensorMeta& operand_of_rank(const Call& call, std::string_view name, int64_t rank) {
  const TensorMeta& tensor = call.tensor(name);
  require(tensor.dim() == rank, [&] {
    return std::string(name) + " is " + shape::text(tensor.sizes) + ", expected " + std::to_string(rank) + " axes";
  });
  return tensor;
}

void require_same_dtype(const Call& call, std::string_view a, std::string_view b) {
  const auto left = call.tensor(a).dtype, right = call.tensor(b).dtype;
  require(left == right, [&] {
    return std::string(a) + " is " + at::toString(left) + ", " + std::string(b) + " is " + at::toString(right) +
           ", expected the same dtype";
  });
}

/// Axis `i` of a must have the size of axis `j` of b.
void require_fit(const Call& call, std::string_view a, int64_t i, std::string_view b, int64_t j) {
  const TensorMeta &left = call.tensor(a), &right = call.tensor(b);
  require_equal_sizes(left.sizes[i], right.sizes[j], [&] {
    return std::string(a) + " is " + shape::text(left.sizes) + " and " + std::string(b) + " is " +
           shape::text(right.sizes) + ": axis " + std::to_string(i) + " of the first must fit axis " +
           std::to_string(j) + " of the second";
  });
}

/// An operand that is added to the product: it must broadcast to its sizes.
void require_addend(const Call& call, std::string_view name, const Sizes& sizes) {
  const TensorMeta& addend = call.tensor(name);
  shape::expanded(addend, sizes);
}

at::ScalarType output_dtype(const Call& call, std::string_view operand) {
  if (call.declares("out_dtype")) return call.dtype("out_dtype").value();
  return call.tensor(operand).dtype;
}

Metas product(const Call& call, at::ScalarType dtype) {
  const TensorMeta& a = operand_of_rank(call, "self", 2);
  const TensorMeta& b = operand_of_rank(call, "mat2", 2);
  require_fit(call, "self", 1, "mat2", 0);
  return {shape::contiguous({a.sizes[0], b.sizes[1]}, dtype, a.device)};
}

Metas mm(const Call& call) {
  require_same_dtype(call, "self", "mat2");
  return product(call, output_dtype(call, "self"));
}

/// 8-bit integers, summed in 32 bits. `self` may be unsigned.
Metas int_mm(const Call& call) {
  const auto self = call.tensor("self").dtype, mat2 = call.tensor("mat2").dtype;
  require((self == at::kChar || self == at::kByte) && mat2 == at::kChar, [&] {
    return std::string("self is ") + at::toString(self) + ", mat2 is " + at::toString(mat2) +
           ", expected Char or Byte, and Char";
  });
  return product(call, at::kInt);
}

Metas bmm(const Call& call) {
  const TensorMeta& a = operand_of_rank(call, "self", 3);
  const TensorMeta& b = operand_of_rank(call, "mat2", 3);
  require_same_dtype(call, "self", "mat2");
  require_fit(call, "self", 0, "mat2", 0);
  require_fit(call, "self", 2, "mat2", 1);
  return {shape::contiguous({a.sizes[0], a.sizes[1], b.sizes[2]}, output_dtype(call, "self"), a.device)};
}

Metas addmm(const Call& call) {
  const TensorMeta& a = operand_of_rank(call, "mat1", 2);
  const TensorMeta& b = operand_of_rank(call, "mat2", 2);
  require_same_dtype(call, "mat1", "mat2");
  require_fit(call, "mat1", 1, "mat2", 0);
  Sizes sizes{a.sizes[0], b.sizes[1]};
  require_addend(call, "self", sizes);
  return {shape::contiguous(std::move(sizes), output_dtype(call, "mat1"), a.device)};
}

/// baddbmm adds to every product of the batch, addbmm to their sum.
Metas add_batches(const Call& call, bool summed) {
  const TensorMeta& a = operand_of_rank(call, "batch1", 3);
  const TensorMeta& b = operand_of_rank(call, "batch2", 3);
  require_same_dtype(call, "batch1", "batch2");
  require_fit(call, "batch1", 0, "batch2", 0);
  require_fit(call, "batch1", 2, "batch2", 1);
  Sizes sizes{a.sizes[0], a.sizes[1], b.sizes[2]};
  if (summed) sizes.erase(sizes.begin());
  require_addend(call, "self", sizes);
  return {shape::contiguous(std::move(sizes), output_dtype(call, "batch1"), a.device)};
}

Metas baddbmm(const Call& call) { return add_batches(call, /*summed=*/false); }
Metas addbmm(const Call& call) { return add_batches(call, /*summed=*/true); }

Metas mv(const Call& call) {
  const TensorMeta& a = operand_of_rank(call, "self", 2);
  operand_of_rank(call, "vec", 1);
  require_same_dtype(call, "self", "vec");
  require_fit(call, "self", 1, "vec", 0);
  return {shape::contiguous({a.sizes[0]}, a.dtype, a.device)};
}

Metas addmv(const Call& call) {
  const TensorMeta& a = operand_of_rank(call, "mat", 2);
  operand_of_rank(call, "vec", 1);
  require_same_dtype(call, "mat", "vec");
  require_fit(call, "mat", 1, "vec", 0);
  Sizes sizes{a.sizes[0]};
  require_addend(call, "self", sizes);
  return {shape::contiguous(std::move(sizes), a.dtype, a.device)};
}

Metas addr(const Call& call) {
  const TensorMeta& a = operand_of_rank(call, "vec1", 1);
  const TensorMeta& b = operand_of_rank(call, "vec2", 1);
  Sizes sizes{a.sizes[0], b.sizes[0]};
  require_addend(call, "self", sizes);
  const auto dtype = c10::promoteTypes(call.tensor("self").dtype, c10::promoteTypes(a.dtype, b.dtype));
  return {shape::contiguous(std::move(sizes), dtype, a.device)};
}

Metas dot(const Call& call) {
  const std::string_view other = call.declares("tensor") ? "tensor" : "other";
  const TensorMeta& a = operand_of_rank(call, "self", 1);
  operand_of_rank(call, other, 1);
  require_same_dtype(call, "self", other);
  require_fit(call, "self", 0, other, 0);
  return {shape::contiguous({}, a.dtype, a.device)};
}

/// Vectors count as matrices with an axis that the output drops; batches are broadcast.
Metas matmul(const Call& call) {
  const TensorMeta &a = call.tensor("self"), &b = call.tensor("other");
  require(a.dim() > 0 && b.dim() > 0, [&] {
    return "both must have an axis: self is " + shape::text(a.sizes) + ", other is " + shape::text(b.sizes);
  });
  require_same_dtype(call, "self", "other");
  require_fit(call, "self", a.dim() - 1, "other", std::max<int64_t>(b.dim() - 2, 0));
  const c10::SymIntArrayRef left(a.sizes), right(b.sizes);
  Sizes sizes = shape::broadcast(left.slice(0, std::max<size_t>(left.size(), 2) - 2),
                                 right.slice(0, std::max<size_t>(right.size(), 2) - 2));
  if (a.dim() > 1) sizes.push_back(left[left.size() - 2]);
  if (b.dim() > 1) sizes.push_back(right.back());
  return {shape::contiguous(std::move(sizes), a.dtype, a.device)};
}

Metas linear(const Call& call) {
  const TensorMeta &input = call.tensor("input"), &weight = call.tensor("weight");
  require(input.dim() > 0 && (weight.dim() == 1 || weight.dim() == 2), [&] {
    return "input is " + shape::text(input.sizes) + ", weight is " + shape::text(weight.sizes) +
           ", expected [..., in] and [out, in]";
  });
  require_fit(call, "input", input.dim() - 1, "weight", weight.dim() - 1);
  Sizes sizes = input.sizes;
  sizes.pop_back();
  if (weight.dim() == 2) sizes.push_back(weight.sizes[0]);
  return {shape::contiguous(std::move(sizes), input.dtype, input.device)};
}

/// Distances of every row to each that comes after it.
Metas distances_of_pairs(const Call& call) {
  const TensorMeta& self = operand_of_rank(call, "self", 2);
  const c10::SymInt& rows = self.sizes[0];
  return {shape::contiguous({rows * (rows - 1) / 2}, self.dtype, self.device)};
}

/// Distances of every row of x1 to every row of x2; batches are broadcast.
Metas pairwise_distances(const Call& call) {
  const TensorMeta &a = call.tensor("x1"), &b = call.tensor("x2");
  require(a.dim() >= 2 && b.dim() >= 2, [&] {
    return "x1 is " + shape::text(a.sizes) + ", x2 is " + shape::text(b.sizes) + ", expected at least 2 axes";
  });
  require_fit(call, "x1", a.dim() - 1, "x2", b.dim() - 1);
  const c10::SymIntArrayRef left(a.sizes), right(b.sizes);
  Sizes sizes = shape::broadcast(left.slice(0, left.size() - 2), right.slice(0, right.size() - 2));
  sizes.push_back(left[left.size() - 2]);
  sizes.push_back(right[right.size() - 2]);
  return {shape::contiguous(std::move(sizes), a.dtype, a.device)};
}

}  // namespace

std::span<const Operator> linear_algebra_operators() {
  static constexpr Operator table[] = {
      {.name = "aten::mm", .meta = mm},
      {.name = "aten::_int_mm", .meta = int_mm},
      {.name = "aten::bmm", .meta = bmm},
      {.name = "aten::addmm", .meta = addmm},
      {.name = "aten::baddbmm", .meta = baddbmm, .decompose = expand<&decompositions::baddbmm>},
      {.name = "aten::baddbmm.dtype", .decompose = expand<&decompositions::baddbmm_in_dtype>},
      {.name = "aten::addbmm", .meta = addbmm},
      {.name = "aten::mv", .meta = mv, .decompose = expand<&decompositions::mv>, .kept_by_default = true},
      {.name = "aten::addmv", .meta = addmv},
      {.name = "aten::addr", .meta = addr, .decompose = expand<&decompositions::addr>},
      {.name = "aten::dot", .meta = dot, .decompose = expand<&decompositions::dot>, .kept_by_default = true},
      {.name = "aten::vdot", .meta = dot, .decompose = expand<&decompositions::vdot>, .kept_by_default = true},
      {.name = "aten::matmul", .meta = matmul},
      {.name = "aten::linear", .meta = linear, .decompose = expand<&decompositions::linear>},
      {.name = "aten::bilinear", .decompose = expand<&decompositions::bilinear>},
      {.name = "aten::linalg_multi_dot", .decompose = expand<&decompositions::multi_dot>},
      {.name = "aten::linalg_cross", .decompose = expand<&decompositions::cross>},
      {.name = "aten::kron", .decompose = expand<&decompositions::kron>},
      {.name = "aten::einsum", .decompose = expand<&decompositions::einsum>},
      {.name = "aten::cov", .decompose = expand<&decompositions::cov>},
      {.name = "aten::linalg_vander", .decompose = expand<&decompositions::vander>},
      {.name = "aten::linalg_tensorinv", .decompose = expand<&decompositions::tensorinv>},
      {.name = "aten::cdist", .decompose = expand<&decompositions::cdist>},
      {.name = "aten::_cdist_forward", .meta = pairwise_distances},
      {.name = "aten::_pdist_forward", .meta = distances_of_pairs},
      {.name = "aten::_euclidean_dist",
       .meta = pairwise_distances,
       .decompose = expand<&decompositions::euclidean_dist>},
  };
  return table;
}

}  // namespace tracejet
