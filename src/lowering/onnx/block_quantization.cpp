// Quantization of torchao, which may be by blocks: where these are channels or the whole tensor and their scales
// weights, as in quantization.cpp, else as the arithmetic of the operator.
// ONNX: ReduceMax-20, ReduceMin-20, Round-11.
#include <algorithm>

#include <ATen/ops/zeros_like.h>

#include "lowering/onnx/affine.h"
#include "lowering/onnx/families.h"
#include "ops/quantization/blocks.h"

namespace tracejet::onnx::convert {

namespace {

using namespace affine;

/// The axis whose indices each have a scale of their own, where one does.
std::optional<int64_t> channel_axis(const Blocks& blocks, const TensorMeta& input) {
  std::optional<int64_t> axis;
  if (blocks.shown.dim() != input.dim()) return std::nullopt;
  for (int64_t i = 0; i < input.dim(); ++i) {
    if (std::ranges::find(blocks.within, i) != blocks.within.end()) continue;
    if (axis) return std::nullopt;
    axis = i;
  }
  return axis;
}

bool is_one_block(const Blocks& blocks) { return static_cast<int64_t>(blocks.within.size()) == blocks.shown.dim(); }

std::optional<Affine> affine_of_blocks(const Lowering& to, const Call& call, const Blocks& blocks,
                                       at::ScalarType dtype) {
  const TensorMeta& input = call.tensor("input");
  const auto axis = channel_axis(blocks, input);
  if (!axis && !is_one_block(blocks)) return std::nullopt;
  const at::Tensor scale = constant_of(to, call, "scale");
  const bool has_zero_point = call.has("zero_point");
  if (!scale.defined()) return std::nullopt;
  return affine_of(scale, has_zero_point ? constant_of(to, call, "zero_point") : at::zeros_like(scale), dtype, axis);
}

/// The scale or zero point of each block.
Operand of_blocks(Lowering& to, const Call& call, std::string_view name, const Blocks& blocks) {
  return to.reshape(to.operand(call, name), call.tensor(name).sizes, blocks.count);
}

void quantize_affine(Lowering& to, const Call& call, std::string_view) {
  const TensorMeta& input = call.tensor("input");
  const Blocks blocks = in_blocks(input, call.sym_ints("block_size"));
  const auto dtype = to.output().dtype;
  const Bounds range = bounds(to, call, *call.dtype("output_dtype"));
  const Operand x = to.operand(call, "input");
  if (const auto with = affine_of_blocks(to, call, blocks, dtype); with && x.dtype == at::kFloat) {
    return to.result(quantized(to, x, *with, range));
  }
  const Operand shown = to.reshape(x, input.sizes, blocks.shown.sizes);
  const Operand steps = times(to, shown, inverse(to, of_blocks(to, call, "scale", blocks)));
  const Operand moved = plus(to, to.emit("Round", {steps}), of_blocks(to, call, "zero_point", blocks));
  to.result(to.reshape(clamped(to, moved, range, dtype), blocks.shown.sizes, input.sizes));
}

void dequantize_affine(Lowering& to, const Call& call, std::string_view) {
  const TensorMeta& input = call.tensor("input");
  const Blocks blocks = in_blocks(input, call.sym_ints("block_size"));
  const auto dtype = to.output().dtype;
  const Operand x = to.operand(call, "input");
  if (const auto with = affine_of_blocks(to, call, blocks, x.dtype); with && dtype == at::kFloat) {
    return to.result(dequantized(to, x, *with));
  }
  Operand steps = to.cast(to.reshape(x, input.sizes, blocks.shown.sizes), dtype);
  if (call.has("zero_point") && !is_zero(constant_of(to, call, "zero_point"))) {
    steps = to.emit("Sub", {steps, to.cast(of_blocks(to, call, "zero_point", blocks), dtype)});
  }
  const Operand result = times(to, steps, of_blocks(to, call, "scale", blocks));
  to.result(to.reshape(to.cast(result, dtype), blocks.shown.sizes, input.sizes));
}

void choose_qparams_affine(Lowering& to, const Call& call, std::string_view) {
  const TensorMeta& input = call.tensor("input");
  const Blocks blocks = in_blocks(input, call.sym_ints("block_size"));
  if (blocks.within.empty()) to.fail("chooses a scale for blocks of one element");
  const Bounds range = bounds(to, call, *call.dtype("target_dtype"));
  const auto number = [&](double value) { return to.number(value, input.dtype); };
  const Operand shown = to.reshape(to.operand(call, "input"), input.sizes, blocks.shown.sizes);
  const auto reduced = [&](std::string_view op) {
    return to.emit(op, {shown, to.integers(blocks.within)}, {{"keepdims", int64_t{0}}});
  };
  const Operand low = to.emit("Min", {reduced("ReduceMin"), number(0)});
  const Operand high = to.emit("Max", {reduced("ReduceMax"), number(0)});
  const double smallest = input.dtype == at::kHalf ? 0x1p-14 : 0x1p-126;
  const auto divided = [&](const Operand& x, double by) { return to.emit("Div", {x, number(by)}); };
  const auto at_least_epsilon = [&](const Operand& scale) {
    return to.emit("Max", {scale, number(call.optional_number("eps").value_or(smallest))});
  };
  const auto finish = [&](const Operand& value, size_t index) {
    // What is left after the reduction, in the sizes that the operator declares.
    const Sizes left = shape::reduced(blocks.shown, blocks.within, /*keep=*/false, input.dtype).sizes;
    to.result(to.reshape(to.cast(value, to.output(index).dtype), left, to.output(index).sizes));
  };
  const std::string_view mapping = call.text("mapping_type");
  const auto steps = static_cast<double>(range.max - range.min);
  if (mapping == "ASYMMETRIC") {
    const Operand scale = at_least_epsilon(divided(to.emit("Sub", {high, low}), steps));
    const Operand from_low = to.emit("Round", {to.emit("Div", {low, scale})});
    const Operand zero_point = to.emit("Sub", {number(static_cast<double>(range.min)), from_low});
    finish(scale, 0);
    return finish(clamped(to, zero_point, range, input.dtype), 1);
  }
  Operand scale;
  if (mapping == "SYMMETRIC") {
    scale = divided(to.emit("Max", {to.emit("Neg", {low}), high}), steps / 2);
  } else {
    const Operand by_low = divided(low, static_cast<double>(range.min));
    scale = to.emit("Max", {by_low, divided(high, static_cast<double>(range.max))});
  }
  finish(at_least_epsilon(scale), 0);
  const int64_t middle = (range.max + range.min + 1) / 2;
  to.result(to.expand(to.number(middle, to.output(1).dtype), {}, to.output(1).sizes));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> block_quantization_conversions() {
  static constexpr Conversion table[] = {
      {"torchao::quantize_affine", convert::quantize_affine},
      {"torchao::dequantize_affine", convert::dequantize_affine},
      {"torchao::choose_qparams_affine", convert::choose_qparams_affine},
  };
  return table;
}

}  // namespace tracejet::onnx
