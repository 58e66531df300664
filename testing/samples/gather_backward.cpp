// Sample calls for gradients of what picks elements: of views, gathers, padding and pooling.
#include <ATen/ops/max_pool2d_with_indices.h>
#include <ATen/ops/max_pool3d_with_indices.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

c10::IValue ints(std::vector<int64_t> numbers) { return c10::IValue(std::move(numbers)); }

Stacks diagonal() { return {{floats({3}), ints({3, 4}), 0, 0, 1}, {floats({2, 3}), ints({4, 2, 3}), -1, 0, 2}}; }

Stacks select() { return {{floats({4}), ints({3, 4}), 0, 1}, {floats({3}), ints({3, 4}), 1, -1}}; }

Stacks slice() {
  return {
      {floats({2, 4}), ints({5, 4}), 0, 1, 3, 1},
      {floats({3, 2}), ints({3, 5}), 1, 0, 4, 2},
      {floats({3, 2}), ints({3, 5}), -1, 3, 9223372036854775807, 1},
  };
}

Stacks unfold() {
  return {
      {floats({2, 7, 8}), ints({2, 20}), 1, 8, 2},
      {floats({2, 2, 8}), ints({2, 20}), 1, 8, 10},
      {floats({3, 4, 2}), ints({6, 4}), 0, 2, 2},
  };
}

Stacks embedding() {
  return {
      {floats({5, 4}), integers({5}), 7, -1, false},
      {floats({2, 3, 4}), integers({2, 3}), 7, 3, false},
      {floats({5, 4}), integers({5}, 3), 7, -1, true},
  };
}

Stacks reflection_pad1d() { return {{floats({2, 8}), floats({2, 5}), ints({1, 2})}}; }

Stacks reflection_pad2d() { return {{floats({2, 3, 6, 8}), floats({2, 3, 4, 5}), ints({1, 2, 0, 2})}}; }

Stacks reflection_pad3d() { return {{floats({1, 2, 4, 6, 8}), floats({1, 2, 3, 4, 5}), ints({1, 2, 0, 2, 1, 0})}}; }

/// (gradient, input, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override)
Stacks avg_pool2d() {
  return {
      {floats({2, 3, 4, 4}), floats({2, 3, 8, 9}), ints({2, 2}), ints({}), ints({0, 0}), false, true, none},
      {floats({2, 3, 4, 5}), floats({2, 3, 8, 9}), ints({3, 2}), ints({2, 2}), ints({1, 1}), false, true, none},
      {floats({2, 3, 4, 5}), floats({2, 3, 8, 9}), ints({3, 2}), ints({2, 2}), ints({1, 1}), false, false, none},
      {floats({3, 4, 5}), floats({3, 7, 9}), ints({2, 2}), ints({2, 2}), ints({0, 0}), true, false, none},
      {floats({1, 2, 2, 2}), floats({1, 2, 8, 8}), ints({3, 3}), ints({4, 4}), ints({0, 0}), false, true, 5},
  };
}

Stacks adaptive_avg_pool2d() {
  return {
      {floats({2, 3, 3, 4}), floats({2, 3, 8, 9})},
      {floats({3, 1, 1}), floats({3, 5, 6})},
      {floats({1, 2, 4, 6}), floats({1, 2, 4, 3})},
  };
}

Stacks max_pool2d() {
  const at::Tensor input = floats({2, 3, 7, 8});
  const auto pooled = at::max_pool2d_with_indices(input, {3, 2}, {2, 2}, {1, 1}, {1, 1}, /*ceil_mode=*/true);
  const at::Tensor indices = std::get<1>(pooled);
  return {{floats(indices.sizes()), input, ints({3, 2}), ints({2, 2}), ints({1, 1}), ints({1, 1}), true, indices}};
}

Stacks upsample_nearest2d() {
  return {
      {floats({2, 3, 8, 9}), ints({8, 9}), ints({2, 3, 4, 3}), none, none},
      {floats({2, 3, 5, 7}), ints({5, 7}), ints({2, 3, 4, 3}), none, none},
      {floats({2, 3, 8, 6}), ints({8, 6}), ints({2, 3, 4, 3}), 2.0, 2.0},
      {floats({2, 3, 3, 7}), ints({3, 7}), ints({2, 3, 5, 3}), 0.7, 2.5},
  };
}

Stacks max_unpool2d() {
  const auto pooled = at::max_pool2d_with_indices(floats({2, 3, 6, 8}), {2, 2});
  return {{std::get<0>(pooled), std::get<1>(pooled), ints({6, 8})}};
}

Stacks max_unpool3d() {
  const auto pooled = at::max_pool3d_with_indices(floats({1, 2, 4, 6, 8}), {2, 2, 2});
  return {{std::get<0>(pooled), std::get<1>(pooled), ints({4, 6, 8}), ints({2, 2, 2}), ints({0, 0, 0})}};
}

}  // namespace

std::span<const OperatorSamples> gather_backward_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::diagonal_backward", diagonal},
      {"aten::select_backward", select},
      {"aten::slice_backward", slice},
      {"aten::unfold_backward", unfold},
      {"aten::embedding_dense_backward", embedding},
      {"aten::reflection_pad1d_backward", reflection_pad1d},
      {"aten::reflection_pad2d_backward", reflection_pad2d},
      {"aten::reflection_pad3d_backward", reflection_pad3d},
      {"aten::avg_pool2d_backward", avg_pool2d},
      {"aten::_adaptive_avg_pool2d_backward", adaptive_avg_pool2d},
      {"aten::max_pool2d_with_indices_backward", max_pool2d},
      {"aten::upsample_nearest2d_backward", upsample_nearest2d},
      {"aten::max_unpool2d", max_unpool2d},
      {"aten::max_unpool3d", max_unpool3d},
  };
  return table;
}

}  // namespace tracejet::samples
