#include <array>

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

c10::IValue flags(bool a, bool b, bool c) { return c10::List<bool>({a, b, c}); }

/// (gradient, x) with values on both sides of the bends.
Stacks pair(std::initializer_list<c10::IValue> rest = {}) {
  Stacks calls{{floats({3, 4}), floats({4, 3}).t() * 2}, {floats({5}), floats({5}) * 3}};
  for (torch::jit::Stack& call : calls) call.insert(call.end(), rest.begin(), rest.end());
  return calls;
}

/// (gradient, prediction, target, reduction, rest...)
Stacks loss(std::initializer_list<c10::IValue> rest = {}) {
  Stacks calls;
  for (const int64_t reduction : {at::Reduction::None, at::Reduction::Mean, at::Reduction::Sum}) {
    const at::Tensor grad = reduction == at::Reduction::None ? floats({3, 4}) : floats({});
    torch::jit::Stack& call = calls.emplace_back();
    call.insert(call.end(), {grad, floats({3, 4}), floats({4, 3}).t() * 0.5, reduction});
    call.insert(call.end(), rest.begin(), rest.end());
  }
  return calls;
}

Stacks unary() { return pair(); }
Stacks one_number() { return pair({0.75}); }
Stacks two_numbers() { return pair({0.5, 1.5}); }
Stacks slope() { return pair({0.25, false}); }
Stacks gelu() { return join({pair({"none"}), pair({"tanh"})}); }
Stacks of_output() { return {{floats({3, 4}), floats({3, 4}).sigmoid()}, {floats({5}), floats({5}).tanh()}}; }

/// The gradient comes first and the input last.
Stacks elu() {
  return {
      {floats({3, 4}), 1.5, 1.25, 0.5, false, floats({3, 4}) * 2},
      {floats({3, 4}), 1.0, 1.0, 1.0, true, floats({3, 4}).clamp(-0.9)},
  };
}

Stacks glu() { return {{floats({3, 2}), floats({3, 4}), -1}, {floats({2, 3}), floats({4, 3}), 0}}; }

Stacks log_sigmoid() {
  const at::Tensor input = floats({3, 4}) * 2;
  return {{floats({3, 4}), input, input.abs().neg().exp()}};
}

Stacks prelu_kernel() { return {{floats({3, 4}), floats({3, 4}), floats({1, 4})}}; }

Stacks softmax() {
  return {{floats({3, 4}), floats({3, 4}).softmax(1), 1, at::kFloat},
          {floats({3, 4}), floats({3, 4}).softmax(0), 0, at::kFloat}};
}

Stacks log_softmax() { return {{floats({3, 4}), floats({3, 4}).log_softmax(1), 1, at::kFloat}}; }

Stacks dropout() { return {{floats({3, 4}), bools({3, 4}), 2.0}}; }
Stacks loss_plain() { return loss(); }
Stacks loss_with_width() { return join({loss({1.0}), loss({0.5})}); }

Stacks binary_cross_entropy() {
  Stacks calls;
  for (const int64_t reduction : {at::Reduction::None, at::Reduction::Mean, at::Reduction::Sum}) {
    const at::Tensor grad = reduction == at::Reduction::None ? floats({3, 4}) : floats({});
    calls.push_back({grad, fractions({3, 4}), fractions({4, 3}).t(), none, reduction});
    calls.push_back({grad, fractions({3, 4}), fractions({4, 3}).t(), fractions({3, 4}), reduction});
  }
  return calls;
}

/// (gradient, input, target, weight, reduction, ignore_index, total_weight)
Stacks nll_loss() {
  const at::Tensor input = floats({4, 7}), target = integers({4});
  return {
      {floats({4}), input, target, none, at::Reduction::None, 3, floats({})},
      {floats({}), input, target, none, at::Reduction::Sum, -100, floats({})},
      {floats({}), input, target, fractions({7}), at::Reduction::Mean, 3, floats({}) * 2},
  };
}

Stacks nll_loss2d() {
  const at::Tensor input = floats({2, 7, 3, 4}), target = integers({2, 3, 4});
  return {
      {floats({2, 3, 4}), input, target, none, at::Reduction::None, 3, floats({})},
      {floats({}), input, target, fractions({7}), at::Reduction::Mean, -100, floats({}) * 2},
  };
}

Stacks layer_norm() {
  const auto shape = [](std::vector<int64_t> sizes) { return c10::IValue(std::move(sizes)); };
  const at::Tensor rows = fractions({2, 3, 1}) + 0.5;
  return {
      {floats({2, 3, 4}), floats({2, 3, 4}) * 2, shape({4}), floats({2, 3, 1}), rows, floats({4}), floats({4}),
       flags(true, true, true)},
      {floats({2, 3, 4}), floats({2, 3, 4}) * 2, shape({4}), floats({2, 3, 1}), rows, none, none,
       flags(true, false, false)},
  };
}

/// The statistics must be those of the input: kernels rely on it.
Stacks group_norm() {
  const at::Tensor input = floats({2, 6, 4}) * 2, grouped = input.reshape({2, 3, 8});
  const at::Tensor mean = grouped.mean(2), rstd = (grouped.var(2, /*unbiased=*/false) + 1e-5).rsqrt();
  return {
      {floats({2, 6, 4}), input, mean, rstd, floats({6}), 2, 6, 4, 3, flags(true, true, true)},
      {floats({2, 6, 4}), input, mean, rstd, none, 2, 6, 4, 3, flags(true, false, false)},
  };
}

Stacks batch_norm() {
  const at::Tensor input = floats({2, 3, 4}) * 2;
  constexpr std::array<int64_t, 2> all_but_channels{0, 2};
  const at::Tensor mean = input.mean(all_but_channels);
  const at::Tensor invstd = (input.var(all_but_channels, /*unbiased=*/false) + 1e-5).rsqrt();
  const at::Tensor var = fractions({3}) + 0.5;
  return {
      {floats({2, 3, 4}), input, floats({3}), floats({3}), var, mean, invstd, true, 1e-5, flags(true, true, true)},
      {floats({2, 3, 4}), input, floats({3}), floats({3}), var, none, none, false, 1e-5, flags(true, true, true)},
  };
}

}  // namespace

std::span<const OperatorSamples> backward_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::elu_backward", elu},
      {"aten::gelu_backward", gelu},
      {"aten::glu_backward", glu},
      {"aten::hardshrink_backward", one_number},
      {"aten::softshrink_backward", one_number},
      {"aten::hardsigmoid_backward", unary},
      {"aten::hardswish_backward", unary},
      {"aten::hardtanh_backward", two_numbers},
      {"aten::leaky_relu_backward", slope},
      {"aten::log_sigmoid_backward", log_sigmoid},
      {"aten::silu_backward", unary},
      {"aten::sigmoid_backward", of_output},
      {"aten::tanh_backward", of_output},
      {"aten::softplus_backward", two_numbers},
      {"aten::threshold_backward", one_number},
      {"aten::_prelu_kernel_backward", prelu_kernel},
      {"aten::_softmax_backward_data", softmax},
      {"aten::_log_softmax_backward_data", log_softmax},
      {"aten::native_dropout_backward", dropout},
      {"aten::mse_loss_backward", loss_plain},
      {"aten::smooth_l1_loss_backward", loss_with_width},
      {"aten::huber_loss_backward", loss_with_width},
      {"aten::soft_margin_loss_backward", loss_plain},
      {"aten::binary_cross_entropy_backward", binary_cross_entropy},
      {"aten::nll_loss_backward", nll_loss},
      {"aten::nll_loss2d_backward", nll_loss2d},
      {"aten::native_layer_norm_backward", layer_norm},
      {"aten::native_group_norm_backward", group_norm},
      {"aten::native_batch_norm_backward", batch_norm},
  };
  return table;
}

}  // namespace tracejet::samples
