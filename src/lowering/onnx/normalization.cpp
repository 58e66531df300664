// ONNX: BatchNormalization-15, InstanceNormalization-6, LayerNormalization-17, ReduceSum-13.
#include <algorithm>

#include <ATen/ops/full.h>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"

namespace tracejet::onnx::convert {

namespace {

Attribute epsilon(const Call& call) { return {"epsilon", static_cast<float>(call.number("eps"))}; }

Operand filled(Lowering& to, const std::vector<int64_t>& sizes, double value, at::ScalarType dtype) {
  return to.constant(at::full(sizes, value, at::TensorOptions(dtype)));
}

/// A weight or bias argument, or a tensor of `otherwise` where it is None.
Operand parameter(Lowering& to, const Call& call, std::string_view name, const std::vector<int64_t>& sizes,
                  double otherwise, at::ScalarType dtype) {
  return call.has(name) ? to.operand(call, name, dtype) : filled(to, sizes, otherwise, dtype);
}

/// Statistics that only a backward pass reads.
void no_statistics(Lowering& to) {
  for (size_t i = 1; i < to.output_count(); ++i) to.no_result("gives statistics that only training uses");
}

/// By mean and deviation over these axes, of `count` elements.
Operand standardized(Lowering& to, const Operand& x, const std::vector<int64_t>& axes, const Operand& count,
                     double eps) {
  const auto mean = [&](const Operand& of) {
    return to.emit("Div", {to.emit("ReduceSum", {of, to.integers(axes)}), count});
  };
  const Operand centred = to.emit("Sub", {x, mean(x)});
  const Operand variance = mean(to.emit("Mul", {centred, centred}));
  const Operand deviation = to.emit("Sqrt", {to.emit("Add", {variance, to.number(eps, x.dtype)})});
  return to.emit("Div", {centred, deviation});
}

/// `x` times a weight and plus a bias for each channel, of those that there are.
Operand scaled_by_channel(Lowering& to, const Call& call, Operand x, int64_t rank) {
  const auto per_channel = [&](std::string_view name) {
    return to.unsqueeze(to.operand(call, name, x.dtype), axes_from(1, rank - 2));
  };
  if (call.has("weight")) x = to.emit("Mul", {x, per_channel("weight")});
  if (call.has("bias")) x = to.emit("Add", {x, per_channel("bias")});
  return x;
}

/// Each group of `x`, [batch, groups, elements], on its own. Runtimes divide by the number of elements they find.
Operand normalized(Lowering& to, const Call& call, const Operand& x, const std::vector<c10::SymInt>& sizes) {
  const int64_t groups = call.integer("group");
  const bool has_elements =
      std::ranges::all_of(sizes, [](const auto& size) { return expression_of(size).range().min > 0; });
  if (has_elements) {
    return to.emit("InstanceNormalization", {x, filled(to, {groups}, 1, x.dtype), filled(to, {groups}, 0, x.dtype)},
                   {epsilon(call)});
  }
  return standardized(to, x, {2}, to.number(sizes[2], x.dtype), call.number("eps"));
}

void layer_norm(Lowering& to, const Call& call, std::string_view) {
  const Operand x = to.operand(call, "input");
  const auto sizes = static_sizes(to, call.sym_ints("normalized_shape"), "normalized_shape");
  std::vector<Operand> inputs{x, parameter(to, call, "weight", sizes, 1, x.dtype)};
  if (call.has("bias")) inputs.push_back(to.operand(call, "bias", x.dtype));
  to.result(to.emit("LayerNormalization", inputs, {{"axis", -static_cast<int64_t>(sizes.size())}, epsilon(call)}));
  no_statistics(to);
}

void batch_norm(Lowering& to, const Call& call, std::string_view) {
  if (call.declares("training") && call.flag("training"))
    to.fail("computes statistics of the batch: call eval() first");
  const Operand x = to.operand(call, "input");
  const auto channels = static_sizes(to, {call.tensor("input").sizes[1]}, "the number of channels");
  const auto mean = call.declares("running_mean") ? "running_mean" : "mean";
  const auto variance = call.declares("running_var") ? "running_var" : "var";
  to.result(to.emit(
      "BatchNormalization",
      {x, parameter(to, call, "weight", channels, 1, x.dtype), parameter(to, call, "bias", channels, 0, x.dtype),
       to.operand(call, mean, x.dtype), to.operand(call, variance, x.dtype)},
      {epsilon(call)}));
  no_statistics(to);
}

/// By statistics of the batch itself, each channel on its own.
void batch_norm_of_batch(Lowering& to, const Call& call, std::string_view) {
  const TensorMeta& meta = call.tensor("input");
  const Operand x = to.operand(call, "input");
  std::vector<int64_t> axes = axes_from(1, meta.dim() - 1);
  axes[0] = 0;
  const Operand count = to.number(element_count(meta, axes), x.dtype);
  const Operand normal = standardized(to, x, axes, count, call.number("eps"));
  to.result(scaled_by_channel(to, call, normal, meta.dim()));
  no_statistics(to);
}

void group_norm(Lowering& to, const Call& call, std::string_view) {
  // ONNX's own operator had its scale per group, not per channel, before opset 21.
  const TensorMeta& meta = call.tensor("input");
  const Operand x = to.operand(call, "input");
  const int64_t groups = call.integer("group");
  const std::vector<c10::SymInt> by_group{meta.sizes[0], groups, call.sym_int("C") / groups * call.sym_int("HxW")};
  const Operand grouped = to.reshape(x, meta.sizes, by_group);
  const Operand normal = normalized(to, call, grouped, by_group);
  to.result(scaled_by_channel(to, call, to.reshape(normal, by_group, meta.sizes), meta.dim()));
  no_statistics(to);
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> normalization_conversions() {
  static constexpr Conversion table[] = {
      {"aten::native_layer_norm", convert::layer_norm},
      // With running statistics.
      {"aten::native_batch_norm", convert::batch_norm},
      {"aten::_native_batch_norm_legit_no_training", convert::batch_norm},
      {"aten::_native_batch_norm_legit.no_stats", convert::batch_norm_of_batch},
      {"aten::native_group_norm", convert::group_norm},
  };
  return table;
}

}  // namespace tracejet::onnx
