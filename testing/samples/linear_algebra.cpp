#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

Stacks mm() {
  return {
      {floats({3, 4}), floats({4, 5})},         {floats({1, 4}), floats({4, 1})},
      {floats({4, 3}).t(), floats({5, 4}).t()}, {floats({0, 4}), floats({4, 5})},
      {floats({3, 0}), floats({0, 5})},         {floats({3, 4}, at::kBFloat16), floats({4, 5}, at::kBFloat16)},
      {integers({3, 4}), integers({4, 5})},
  };
}

Stacks int_mm() {
  return {
      {integers({32, 16}, 7, at::kChar), integers({16, 24}, 5, at::kChar)},
      {integers({32, 16}, 7, at::kByte), integers({16, 24}, 5, at::kChar)},
  };
}

Stacks bmm() {
  return {
      {floats({2, 3, 4}), floats({2, 4, 5})},
      {floats({1, 3, 4}), floats({1, 4, 5})},
      {floats({2, 4, 3}).transpose(1, 2), floats({2, 5, 4}).transpose(1, 2)},
      {floats({3, 2, 4}).transpose(0, 1), floats({2, 4, 5})},
      {floats({0, 3, 4}), floats({0, 4, 5})},
      {floats({2, 3, 4}, at::kDouble), floats({2, 4, 5}, at::kDouble)},
  };
}

Stacks addmm() {
  return {
      {floats({5}), floats({3, 4}), floats({4, 5}), 1, 1},
      {floats({3, 5}), floats({3, 4}), floats({5, 4}).t(), 0.5, 2.0},
      {floats({3, 1}), floats({3, 4}), floats({4, 5}), 1, 1},
      {floats({}), floats({3, 4}), floats({4, 5}), 1, 1},
      {floats({5}), floats({1, 4}), floats({4, 5}), 1, 1},
      {floats({5}, at::kHalf), floats({3, 4}, at::kHalf), floats({4, 5}, at::kHalf), 1, 1},
  };
}

Stacks baddbmm() {
  return {
      {floats({2, 3, 5}), floats({2, 3, 4}), floats({2, 4, 5}), 1, 1},
      {floats({5}), floats({2, 3, 4}), floats({2, 5, 4}).transpose(1, 2), 0.5, 2.0},
      {floats({2, 1, 5}), floats({2, 3, 4}), floats({2, 4, 5}), 0, 0.125},
      {floats({1, 3, 5}), floats({1, 3, 4}), floats({1, 4, 5}), 2, 1},
      {integers({2, 3, 5}), integers({2, 3, 4}), integers({2, 4, 5}), 2, 3},
      {integers({2, 3, 5}), integers({2, 3, 4}), integers({2, 4, 5}), 0.5, 2.5},
  };
}

Stacks addbmm() {
  return {
      {floats({3, 5}), floats({2, 3, 4}), floats({2, 4, 5}), 1, 1},
      {floats({5}), floats({2, 3, 4}), floats({2, 4, 5}), 0.5, 2.0},
      {floats({3, 1}), floats({1, 3, 4}), floats({1, 4, 5}), 1, 1},
  };
}

Stacks mv() {
  return {
      {floats({3, 4}), floats({4})},
      {floats({4, 3}).t(), floats({8}).slice(0, 0, 8, 2)},
      {floats({1, 4}), floats({4})},
      {integers({3, 4}), integers({4})},
  };
}

Stacks addmv() {
  return {
      {floats({3}), floats({3, 4}), floats({4}), 1, 1},
      {floats({}), floats({3, 4}), floats({4}), 0.5, 2.0},
      {floats({1}), floats({3, 4}), floats({4}), 1, 1},
  };
}

Stacks addr() {
  return {
      {floats({3, 4}), floats({3}), floats({4}), 1, 1},
      {floats({4}), floats({3}), floats({4}), 0.5, 2.0},
      {floats({3, 1}), floats({3}), floats({4}), 0, 2.0},
      {integers({3, 4}), integers({3}), integers({4}), 2, 3},
  };
}

Stacks dot() {
  return {
      {floats({4}), floats({4})},
      {floats({8}).slice(0, 0, 8, 2), floats({4})},
      {integers({4}), integers({4})},
  };
}

Stacks matmul() {
  return {
      {floats({4}), floats({4})},
      {floats({3, 4}), floats({4})},
      {floats({4}), floats({4, 5})},
      {floats({3, 4}), floats({4, 5})},
      {floats({2, 3, 4}), floats({4})},
      {floats({4}), floats({2, 4, 5})},
      {floats({2, 3, 4}), floats({4, 5})},
      {floats({3, 4}), floats({2, 4, 5})},
      {floats({2, 3, 4}), floats({2, 4, 5})},
      {floats({1, 3, 4}), floats({2, 4, 5})},
      {floats({6, 2, 3, 4}), floats({2, 5, 4}).transpose(1, 2)},
      {floats({2, 3, 6, 4}).transpose(1, 2), floats({2, 6, 4, 3})},
      {floats({2, 1, 3, 4}), floats({1, 5, 4, 2})},
      {floats({0, 3, 4}), floats({4, 5})},
      {floats({2, 3, 4}, at::kBFloat16), floats({4, 5}, at::kBFloat16)},
  };
}

Stacks linear() {
  return {
      {floats({3, 4}), floats({5, 4}), floats({5})},
      {floats({3, 4}), floats({5, 4}), none},
      {floats({2, 3, 4}), floats({5, 4}), floats({5})},
      {floats({2, 3, 4}), floats({5, 4}), none},
      {floats({1, 1, 4}), floats({5, 4}), floats({5})},
      {floats({3, 2, 4}).transpose(0, 1), floats({5, 4}), floats({5})},
      {floats({2, 6, 3, 4}), floats({5, 4}), floats({5})},
      {floats({4}), floats({5, 4}), floats({5})},
      {floats({4}), floats({5, 4}), none},
      {floats({2, 3, 4}), floats({4}), none},
      {floats({0, 3, 4}), floats({5, 4}), floats({5})},
      {floats({2, 3, 4}, at::kBFloat16), floats({5, 4}, at::kBFloat16), floats({5}, at::kBFloat16)},
  };
}

Stacks bilinear() {
  return {
      {floats({3, 4}), floats({3, 5}), floats({6, 4, 5}), floats({6})},
      {floats({2, 3, 4}), floats({2, 3, 5}), floats({6, 4, 5}), none},
  };
}

Stacks cross() {
  return {
      {floats({4, 3}), floats({4, 3}), -1},
      {floats({3, 4}), floats({3, 1}), 0},
      {floats({2, 3, 5}), floats({5, 3, 2}).permute({2, 1, 0}), 1},
      {integers({3}), integers({3}), 0},
      {floats({0, 3}), floats({1, 3}), -1},
  };
}

Stacks kron() {
  return {
      {floats({2, 3}), floats({4, 5})},
      {floats({3}), floats({2, 4})},
      {floats({2, 3, 4}), floats({2})},
      {floats({}), floats({2, 3})},
  };
}

Stacks cdist() {
  return {
      {floats({3, 4}), floats({5, 4}), 2.0, none},
      {floats({2, 3, 4}), floats({2, 5, 4}), 1.0, 0},
      {floats({2, 1, 3, 4}), floats({6, 5, 4}), 2.0, 1},
  };
}

Stacks pdist() { return {{floats({5, 3}), 2.0}, {floats({1, 3}), 1.0}, {floats({4, 6}), 3.0}}; }

Stacks euclidean_dist() {
  return {
      {floats({3, 4}), floats({5, 4})},
      {floats({2, 3, 4}), floats({2, 5, 4})},
  };
}

Stacks cov() {
  const at::Tensor repeats = at::arange(1, 6), weights = at::arange(1.0, 6.0) / 4;
  return {
      {floats({3, 5}), 1, none, none},       {floats({5}), 0, none, none},       {floats({3, 5}), 1, repeats, none},
      {floats({3, 5}), 1, repeats, weights}, {floats({3, 5}), 0, none, weights},
  };
}

Stacks vander() {
  return {{floats({4}), none}, {floats({2, 3}), 5}, {floats({3}), 2}, {floats({0}), 3}, {floats({}), 3}};
}

Stacks tensorinv() {
  const at::Tensor matrix = floats({6, 6}).tril().add(fractions({6}).diag(), 4);
  return {{matrix, 1}, {matrix.view({6, 2, 3}), 1}, {matrix.view({2, 3, 6}), 2}};
}

Stacks einsum() {
  using Tensors = std::vector<at::Tensor>;
  return {
      {"ij,jk->ik", Tensors{floats({3, 4}), floats({4, 5})}, none},
      {"b...ii->b...i", Tensors{floats({2, 5, 3, 3})}, none},
      {"i,ji,kii->jk", Tensors{floats({3}), floats({4, 3}), floats({2, 3, 3})}, none},
  };
}

Stacks multi_dot() {
  using Tensors = std::vector<at::Tensor>;
  return {
      {Tensors{floats({3, 4}), floats({4, 5})}},
      {Tensors{floats({4}), floats({4, 5}), floats({5, 2})}},
      {Tensors{floats({2, 9}), floats({9, 2}), floats({2, 9}), floats({9})}},
      {Tensors{floats({4}), floats({4, 5}), floats({5})}},
      {Tensors{floats({3, 0}), floats({0, 4}), floats({4, 2})}},
  };
}

}  // namespace

std::span<const OperatorSamples> linear_algebra_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::mm", mm},
      {"aten::_int_mm", int_mm},
      {"aten::bmm", bmm},
      {"aten::addmm", addmm},
      {"aten::baddbmm", baddbmm},
      {"aten::addbmm", addbmm},
      {"aten::mv", mv},
      {"aten::addmv", addmv},
      {"aten::addr", addr},
      {"aten::dot", dot},
      {"aten::vdot", dot},
      {"aten::matmul", matmul},
      {"aten::linear", linear},
      {"aten::bilinear", bilinear},
      {"aten::einsum", einsum},
      {"aten::linalg_multi_dot", multi_dot},
      {"aten::linalg_cross", cross},
      {"aten::kron", kron},
      {"aten::cov", cov},
      {"aten::linalg_vander", vander},
      {"aten::linalg_tensorinv", tensorinv},
      {"aten::_cdist_forward", cdist},
      {"aten::cdist", cdist},
      {"aten::_pdist_forward", pdist},
      {"aten::_euclidean_dist", euclidean_dist},
  };
  return table;
}

}  // namespace tracejet::samples
