#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

constexpr double kMomentum = 0.1, kEps = 1e-5;

at::Tensor variances(int64_t channels, at::ScalarType dtype = at::kFloat) {
  return fractions({channels}).add(0.5).to(dtype);
}

/// [N, 3, ...] of one to three spatial axes, in all layouts.
std::vector<at::Tensor> batches() {
  return {
      floats({4, 3}),
      floats({2, 3, 6}),
      floats({2, 3, 4, 5}),
      floats({1, 3, 4, 5}),
      floats({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast),
      floats({5, 4, 3, 2}).permute({3, 2, 1, 0}),
      floats({2, 3, 2, 4, 5}),
      floats({2, 3, 2, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast3d),
      floats({2, 3, 4, 5}, at::kDouble),
  };
}

at::Tensor vector(const at::Tensor& like) { return floats({3}, like.scalar_type()); }

/// (input, weight, bias, running_mean, running_var, rest...) with and without weights, and 16-bit floats.
Stacks with_statistics(std::initializer_list<c10::IValue> rest) {
  Stacks calls;
  const auto add = [&](const at::Tensor& input, const c10::IValue& weight, const c10::IValue& bias,
                       at::ScalarType dtype) {
    torch::jit::Stack& call = calls.emplace_back();
    call.insert(call.end(), {input, weight, bias, floats({3}, dtype), variances(3, dtype)});
    call.insert(call.end(), rest.begin(), rest.end());
  };
  for (const at::Tensor& input : batches()) add(input, vector(input), vector(input), input.scalar_type());
  add(floats({2, 3, 4, 5}), none, none, at::kFloat);
  add(floats({2, 3, 4, 5}, at::kBFloat16), floats({3}), floats({3}), at::kFloat);
  add(floats({2, 3, 4, 5}, at::kBFloat16), floats({3}, at::kBFloat16), floats({3}, at::kBFloat16), at::kBFloat16);
  return calls;
}

Stacks batch_norm() {
  Stacks calls =
      join({with_statistics({false, kMomentum, kEps, true}), with_statistics({true, kMomentum, kEps, true})});
  calls.push_back({floats({2, 3, 4}), floats({3}), floats({3}), none, none, true, kMomentum, kEps, true});
  return calls;
}

Stacks native_batch_norm() {
  return join({with_statistics({false, kMomentum, kEps}), with_statistics({true, kMomentum, kEps})});
}

Stacks batch_norm_no_stats() {
  Stacks calls;
  for (const at::Tensor& input : batches()) {
    calls.push_back({input, vector(input), vector(input), true, kMomentum, kEps});
  }
  calls.push_back({floats({2, 3, 4}), none, none, true, kMomentum, kEps});
  return calls;
}

Stacks batch_norm_no_training() { return with_statistics({kMomentum, kEps}); }
Stacks batch_norm_no_update() { return with_statistics({kMomentum, kEps}); }
Stacks batch_norm_with_update() { return with_statistics({kMomentum, kEps}); }
Stacks batch_norm_functional() { return with_statistics({true, kMomentum, kEps}); }

Stacks layer_norm() {
  const auto shape = [](std::vector<int64_t> sizes) { return c10::IValue(std::move(sizes)); };
  return {
      {floats({2, 3, 4}), shape({4}), floats({4}), floats({4}), kEps},
      {floats({2, 3, 4}), shape({3, 4}), floats({3, 4}), none, kEps},
      {floats({1, 1, 4}), shape({4}), none, none, kEps},
      {floats({4, 3, 2}).permute({2, 1, 0}), shape({4}), floats({4}), floats({4}), kEps},
      {floats({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast), shape({5}), floats({5}), floats({5}), kEps},
      {floats({2, 3, 4}, at::kDouble), shape({4}), floats({4}, at::kDouble), none, kEps},
      {floats({2, 3, 4}, at::kBFloat16), shape({4}), floats({4}, at::kBFloat16), none, kEps},
      {floats({2, 3, 4}, at::kBFloat16), shape({4}), floats({4}), floats({4}), kEps},
      {floats({2, 3, 4}, at::kHalf), shape({4}), none, none, kEps},
  };
}

Stacks group_norm() {
  return {
      {floats({2, 6, 4, 5}), floats({6}), floats({6}), 2, 6, 20, 3, kEps},
      {floats({1, 6, 4, 5}), floats({6}), none, 1, 6, 20, 6, kEps},
      {floats({2, 6, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast), floats({6}), floats({6}), 2, 6, 20, 2, kEps},
      {floats({2, 6, 7}), none, none, 2, 6, 7, 1, kEps},
      {floats({2, 6}), none, none, 2, 6, 1, 2, kEps},
      {floats({2, 6, 4, 5}, at::kBFloat16), floats({6}), floats({6}), 2, 6, 20, 3, kEps},
      {floats({2, 6, 4, 5}, at::kBFloat16), floats({6}, at::kBFloat16), none, 2, 6, 20, 3, kEps},
  };
}

Stacks instance_norm() {
  return {
      {floats({2, 3, 4, 5}), none, none, none, none, true, kMomentum, kEps, true},
      {floats({2, 3, 6}), floats({3}), floats({3}), none, none, true, kMomentum, kEps, true},
      {floats({2, 3, 6}), floats({3}), floats({3}), floats({3}), variances(3), true, kMomentum, kEps, true},
      {floats({2, 3, 6}), floats({3}), floats({3}), floats({3}), variances(3), false, kMomentum, kEps, true},
      {floats({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast), floats({3}), floats({3}), none, none, true,
       kMomentum, kEps, true},
  };
}

Stacks rms_norm() {
  const auto shape = [](std::vector<int64_t> sizes) { return c10::IValue(std::move(sizes)); };
  return {
      {floats({2, 3, 4}), shape({4}), floats({4}), 1e-6},
      {floats({2, 3, 4}), shape({3, 4}), floats({3, 4}), none},
      {floats({2, 3, 4}), shape({4}), none, none},
      {floats({2, 3, 4}, at::kBFloat16), shape({4}), floats({4}, at::kBFloat16), none},
      {floats({2, 3, 4}, at::kDouble), shape({4}), floats({4}, at::kDouble), none},
  };
}

Stacks weight_norm() {
  return {
      {floats({4, 3, 2}), floats({4, 1, 1}), 0},
      {floats({4, 3, 2}), floats({1, 1, 2}), 2},
      {floats({5}), floats({5}), 0},
      {floats({4, 3}, at::kBFloat16), floats({4, 1}, at::kBFloat16), 0},
      {floats({4, 3}, at::kDouble), floats({1, 3}, at::kDouble), 1},
  };
}

}  // namespace

std::span<const OperatorSamples> normalization_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::batch_norm", batch_norm},
      {"aten::native_batch_norm", native_batch_norm},
      {"aten::_native_batch_norm_legit.no_stats", batch_norm_no_stats},
      {"aten::_native_batch_norm_legit_no_training", batch_norm_no_training},
      {"aten::_native_batch_norm_legit_functional", batch_norm_functional},
      {"aten::_batch_norm_no_update", batch_norm_no_update},
      {"aten::_batch_norm_with_update_functional", batch_norm_with_update},
      {"aten::native_layer_norm", layer_norm},
      {"aten::native_group_norm", group_norm},
      {"aten::instance_norm", instance_norm},
      {"aten::_weight_norm_interface", weight_norm},
      {"aten::rms_norm", rms_norm},
  };
  return table;
}

}  // namespace tracejet::samples
