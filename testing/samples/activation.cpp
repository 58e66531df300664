#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/ops/tensor.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

std::vector<at::Tensor> float_inputs() {
  std::vector<at::Tensor> tensors = layouts();
  tensors.push_back(floats({3, 4}) * 4);
  tensors.push_back(floats({3, 4}, at::kDouble));
  tensors.push_back(floats({3, 4}, at::kBFloat16) * 2);
  return tensors;
}

/// Each call with every reduction, which comes last or before `rest`.
Stacks reduced(const Stacks& calls, std::initializer_list<c10::IValue> rest = {}) {
  Stacks all;
  for (const torch::jit::Stack& call : calls) {
    for (const int64_t reduction : {at::Reduction::None, at::Reduction::Mean, at::Reduction::Sum}) {
      torch::jit::Stack& reduced = all.emplace_back(call);
      reduced.emplace_back(reduction);
      reduced.insert(reduced.end(), rest.begin(), rest.end());
    }
  }
  return all;
}

Stacks predictions_and_targets() {
  return {
      {floats({3, 4}), floats({4, 3}).t()},
      {floats({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast), floats({2, 3, 4, 5})},
      {floats({5}), floats({5}) * 0.5},
      {floats({}), floats({1})[0] * 2},
  };
}

Stacks unary() { return each(float_inputs()); }
Stacks relu() { return join({each(float_inputs()), each(integer_layouts())}); }
Stacks gelu() { return join({each(float_inputs(), {"none"}), each(float_inputs(), {"tanh"})}); }
Stacks bounds() { return each(float_inputs(), {0.5, 1.5}); }
Stacks hardtanh() { return join({bounds(), each(integer_layouts(), {-1.0, 1.0})}); }
Stacks elu() { return join({each(float_inputs(), {1.0, 1.0, 1.0}), each(float_inputs(), {1.5, 1.25, 0.5})}); }
Stacks one_number() { return each(float_inputs(), {0.75}); }

Stacks glu() {
  return {
      {floats({3, 4}), -1},
      {floats({4, 3}), 0},
      {floats({4, 6}).t(), 1},
      {floats({2, 4, 3, 5}).contiguous(at::MemoryFormat::ChannelsLast), 1},
      {floats({2, 4}, at::kBFloat16), 1},
  };
}

Stacks prelu_kernel() {
  return {
      {floats({3, 4}), floats({1, 4})},
      {floats({3, 4}), floats({1, 1})},
      {floats({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast), floats({1, 3, 1, 1})},
      {floats({4, 3}).t(), floats({1, 4})},
  };
}

/// Training draws random slopes: there is nothing to compare.
Stacks rrelu() { return each({floats({3, 4}), floats({5})}, {0.125, 0.5, false, none}); }

Stacks softmax() {
  return {
      {floats({3, 4}), 1, false},
      {floats({3, 4}) * 100, -1, false},
      {floats({3, 4}), 0, false},
      {floats({4, 3}).t(), 1, false},
      {floats({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast), 1, false},
      {floats({}), 0, false},
      {floats({1, 1}), 1, false},
      {floats({3, 4}, at::kDouble), 1, false},
      {floats({3, 4}, at::kBFloat16), 1, false},
  };
}

Stacks safe_softmax() {
  return {
      {floats({3, 4}), 1, none},
      {floats({4, 3}).t(), 0, none},
      {floats({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast), 1, none},
  };
}

/// Only what isn't random can be compared.
Stacks dropout() {
  return {
      {floats({3, 4}), 0.5, false},
      {floats({3, 4}), 0.0, true},
      {floats({3, 4}), 1.0, true},
  };
}

Stacks native_dropout() {
  return join({each(layouts(), {0.5, true}), each(layouts(), {0.5, false}), each({floats({3, 4})}, {0.25, none})});
}

Stacks loss() { return reduced(predictions_and_targets()); }
Stacks loss_with_width() {
  return join({reduced(predictions_and_targets(), {1.0}), reduced(predictions_and_targets(), {0.5})});
}

Stacks binary_cross_entropy() {
  return reduced({
      {fractions({3, 4}), fractions({4, 3}).t(), none},
      {fractions({3, 4}), fractions({3, 4}), fractions({4})},
      {fractions({5}).round(), fractions({5}), none},
      {fractions({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast), fractions({2, 3, 4, 5}), none},
  });
}

Stacks binary_cross_entropy_with_logits() {
  return reduced({
      {floats({3, 4}), fractions({4, 3}).t(), none, none},
      {floats({3, 4}), fractions({3, 4}), fractions({4}), none},
      {floats({3, 4}) * 50, fractions({3, 4}), none, fractions({4}) * 3},
      {floats({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast), fractions({2, 3, 4, 5}), none, none},
  });
}

Stacks multi_margin_loss() {
  const at::Tensor scores = floats({4, 5}), target = integers({4}, 5), weight = fractions({5});
  Stacks calls;
  for (const int64_t reduction : {0, 1, 2}) {
    calls.push_back({scores, target, 1, 1, none, reduction});
    calls.push_back({scores, target, 2, 0.5, weight, reduction});
    calls.push_back({floats({5}), integers({}, 5), 1, 1, weight, reduction});
    calls.push_back({floats({5}, at::kDouble), integers({1}, 5), 2, 1, none, reduction});
  }
  return calls;
}

Stacks multilabel_margin_loss() {
  at::Tensor target = integers({3, 4}, 4);
  target.select(0, 0).narrow(0, 2, 2).fill_(-1);
  target.select(0, 2).narrow(0, 0, 1).fill_(-1);
  Stacks calls;
  for (const int64_t reduction : {0, 1, 2}) {
    calls.push_back({floats({3, 4}), target, reduction});
    calls.push_back({floats({4}, at::kDouble), target.select(0, 0), reduction});
    calls.push_back({floats({1, 5}), integers({1, 5}, 5), reduction});
  }
  return calls;
}

Stacks nll_loss() {
  return reduced(
      {
          {floats({4, 7}), integers({4}), none},
          {floats({4, 7}), integers({4}), fractions({7})},
          {floats({7}), integers({}), none},
          {floats({1, 7}), integers({1}), fractions({7})},
      },
      {3});
}

Stacks nll_loss2d() {
  return reduced(
      {
          {floats({2, 7, 3, 4}), integers({2, 3, 4}), none},
          {floats({2, 7, 3, 4}), integers({2, 3, 4}), fractions({7})},
      },
      {-100});
}

Stacks nll_loss_nd() {
  return reduced(
      {
          {floats({4, 7}), integers({4}), none},
          {floats({2, 7, 3}), integers({2, 3}), none},
          {floats({0, 7, 3}), integers({0, 3}), none},
          {floats({2, 7, 3, 4}), integers({2, 3, 4}), none},
          {floats({2, 7, 3, 1, 2}), integers({2, 3, 1, 2}), none},
      },
      {-100});
}

Stacks cross_entropy_loss() {
  return reduced(
      {
          {floats({4, 7}), integers({4}), none},
          {floats({2, 7, 3}), integers({2, 3}), none},
          {floats({4, 7}), fractions({4, 7}), none},
      },
      {-100, 0.1});
}

/// Log-probabilities of 5 classes (0 is the blank) at 6 times for 2 sequences, and labels.
const torch::jit::Stack& two_sequences() {
  static const torch::jit::Stack arguments{floats({6, 2, 5}).log_softmax(2), integers({2, 3}, 4) + 1};
  return arguments;
}

torch::jit::Stack with(torch::jit::Stack call, std::initializer_list<c10::IValue> rest) {
  call.insert(call.end(), rest);
  return call;
}

c10::IValue numbers(std::vector<int64_t> values) { return c10::IValue(std::move(values)); }

Stacks ctc_loss() {
  Stacks calls;
  for (const int64_t reduction : {0, 1, 2}) {
    calls.push_back(with(two_sequences(), {numbers({6, 5}), numbers({3, 2}), 0, reduction, false}));
    calls.push_back(with(two_sequences(), {numbers({2, 6}), numbers({3, 1}), 0, reduction, true}));
  }
  return calls;
}

Stacks ctc_loss_tensor() {
  Stacks calls;
  for (const int64_t reduction : {0, 1, 2}) {
    const at::Tensor times = at::tensor({6, 5}, at::kLong), labels = at::tensor({3, 0}, at::kInt);
    calls.push_back(with(two_sequences(), {times, labels, 0, reduction, false}));
  }
  return calls;
}

Stacks ctc_loss_with_alignments() {
  const at::Tensor joined = integers({4}, 4) + 1;
  return {
      with(two_sequences(), {numbers({6, 5}), numbers({3, 2}), 0, false}),
      with({floats({6, 2, 5}, at::kDouble).log_softmax(2), joined}, {numbers({6, 5}), numbers({3, 1}), 0, true}),
  };
}

}  // namespace

std::span<const OperatorSamples> activation_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::relu", relu},
      {"aten::gelu", gelu},
      {"aten::silu", unary},
      {"aten::mish", unary},
      {"aten::hardswish", unary},
      {"aten::hardsigmoid", unary},
      {"aten::hardtanh", hardtanh},
      {"aten::elu", elu},
      {"aten::celu", one_number},
      {"aten::leaky_relu", one_number},
      {"aten::softplus", bounds},
      {"aten::softshrink", one_number},
      {"aten::hardshrink", one_number},
      {"aten::threshold", bounds},
      {"aten::log_sigmoid_forward", unary},
      {"aten::glu", glu},
      {"aten::_prelu_kernel", prelu_kernel},
      {"aten::rrelu", rrelu},
      {"aten::_softmax", softmax},
      {"aten::_log_softmax", softmax},
      {"aten::_safe_softmax", safe_softmax},
      {"aten::dropout", dropout},
      {"aten::native_dropout", native_dropout},
      {"aten::mse_loss", loss},
      {"aten::soft_margin_loss", loss},
      {"aten::smooth_l1_loss", loss_with_width},
      {"aten::huber_loss", loss_with_width},
      {"aten::binary_cross_entropy", binary_cross_entropy},
      {"aten::binary_cross_entropy_with_logits", binary_cross_entropy_with_logits},
      {"aten::multi_margin_loss", multi_margin_loss},
      {"aten::multilabel_margin_loss_forward", multilabel_margin_loss},
      {"aten::nll_loss_forward", nll_loss},
      {"aten::nll_loss2d_forward", nll_loss2d},
      {"aten::nll_loss_nd", nll_loss_nd},
      {"aten::cross_entropy_loss", cross_entropy_loss},
      {"aten::ctc_loss.IntList", ctc_loss},
      {"aten::ctc_loss.Tensor", ctc_loss_tensor},
      {"aten::_ctc_loss", ctc_loss_with_alignments},
  };
  return table;
}

}  // namespace tracejet::samples
