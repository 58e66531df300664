// Quantization. Where scales and zero points are weights, as QuantizeLinear and DequantizeLinear, which engines look
// for to compute in integers; where they are computed, or belong to blocks, as the arithmetic of the ATen operator.
#include <algorithm>
#include <limits>

#include <ATen/ops/equal.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"
#include "ops/quantization/blocks.h"

namespace tracejet::onnx::convert {

namespace {

/// The first and the last of the integers that values are quantized to.
struct Bounds {
  int64_t min, max;
};

Bounds bounds_of(at::ScalarType dtype) {
  switch (dtype) {
    case at::kByte:
      return {0, 255};
    case at::kChar:
      return {-128, 127};
    case at::kUInt16:
      return {0, 65535};
    case at::kShort:
      return {-32768, 32767};
    case at::kInt:
      return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
    default:
      break;
  }
  const auto bits = static_cast<int64_t>(dtype) - static_cast<int64_t>(at::ScalarType::UInt1) + 1;
  return {0, (int64_t{1} << bits) - 1};  // uint1 to uint7, in bytes
}

/// A number, or the data of a weight; undefined where it is computed when the program runs.
at::Tensor constant_of(const Lowering& to, const Call& call, std::string_view name) {
  if (const auto* number = std::get_if<c10::IValue>(&call.argument(name)))
    return at::scalar_tensor(number->toScalar(), at::kDouble);
  return to.known(call.value(name));
}

int64_t integer_of(const Lowering& to, const Call& call, std::string_view name) {
  const at::Tensor known = constant_of(to, call, name);
  if (!known.defined()) to.fail(std::string(name) + " is computed when the program runs");
  return known.reshape({}).item().toLong();
}

/// quant_min and quant_max; None is all that `dtype` has.
Bounds bounds(const Lowering& to, const Call& call, at::ScalarType dtype) {
  Bounds given = bounds_of(dtype);
  if (call.has("quant_min")) given.min = integer_of(to, call, "quant_min");
  if (call.has("quant_max")) given.max = integer_of(to, call, "quant_max");
  constexpr int64_t kExact = int64_t{1} << 24;
  if (given.min < -kExact || given.max > kExact) to.fail("quantizes to integers that float32 doesn't hold");
  return given;
}

/// Scale and zero point of a tensor, or of each index of an axis, as QuantizeLinear and DequantizeLinear have them.
struct Affine {
  at::Tensor scale, zero_point;  ///< 0-dim, or 1-dim along the axis; the zero point in the dtype of what is quantized
  int64_t axis = 0;
};

/// Nothing where they aren't both constant, or where ONNX's operators don't take them.
std::optional<Affine> affine(const at::Tensor& scale, const at::Tensor& zero_point, at::ScalarType dtype,
                             std::optional<int64_t> axis) {
  if (!scale.defined() || !zero_point.defined() || (dtype != at::kChar && dtype != at::kByte)) return std::nullopt;
  const at::Tensor stored = zero_point.to(dtype);
  if (!at::equal(stored.to(at::kDouble), zero_point.to(at::kDouble))) return std::nullopt;
  const auto shaped = [&](const at::Tensor& tensor) { return axis ? tensor.reshape({-1}) : tensor.reshape({}); };
  return Affine{shaped(scale.to(at::kFloat)), shaped(stored), axis.value_or(0)};
}

Lowering::Attributes axis_of(const Affine& with) {
  if (with.scale.dim() == 0) return {};
  return {{"axis", with.axis}};
}

/// Divides by the scale where ATen multiplies by its inverse: what lies between two integers may be rounded to the
/// other one.
Operand quantized(Lowering& to, const Operand& x, const Affine& with, const Bounds& bounds) {
  const auto dtype = with.zero_point.scalar_type();
  const Operand result =
      to.emit_as(dtype, "QuantizeLinear", {x, to.constant(with.scale), to.constant(with.zero_point)}, axis_of(with));
  const Bounds all = bounds_of(dtype);
  if (bounds.min <= all.min && bounds.max >= all.max) return result;
  return to.emit("Clip", {result, to.number(bounds.min, dtype), to.number(bounds.max, dtype)});
}

Operand dequantized(Lowering& to, const Operand& x, const Affine& with) {
  std::vector<Operand> inputs{x, to.constant(with.scale)};
  if (!at::equal(with.zero_point, at::zeros_like(with.zero_point))) inputs.push_back(to.constant(with.zero_point));
  return to.emit_as(at::kFloat, "DequantizeLinear", inputs, axis_of(with));
}

/// Add, Sub or Mul in the dtype that both meet in, whatever their ranks.
Operand pointwise(Lowering& to, std::string_view op, const Operand& a, const Operand& b) {
  const auto dtype = c10::promoteTypes(a.dtype, b.dtype);
  return to.emit(op, {to.cast(a, dtype), to.cast(b, dtype)});
}
Operand plus(Lowering& to, const Operand& a, const Operand& b) { return pointwise(to, "Add", a, b); }
Operand minus(Lowering& to, const Operand& a, const Operand& b) { return pointwise(to, "Sub", a, b); }
Operand times(Lowering& to, const Operand& a, const Operand& b) { return pointwise(to, "Mul", a, b); }

Operand clamped(Lowering& to, const Operand& steps, const Bounds& bounds, at::ScalarType dtype) {
  const Operand low = to.number(bounds.min, steps.dtype), high = to.number(bounds.max, steps.dtype);
  return to.cast(to.emit("Min", {to.emit("Max", {steps, low}), high}), dtype);
}

Operand inverse(Lowering& to, const Operand& scale) { return to.emit("Div", {to.number(1, scale.dtype), scale}); }

/// Integers less their zero points, which ATen subtracts in the dtype of both.
Operand centred(Lowering& to, const Operand& x, const Operand& zero_point) {
  const auto dtype = c10::promoteTypes(x.dtype, zero_point.dtype);
  if (dtype == at::kChar || dtype == at::kByte || dtype == at::kShort) {
    to.fail(std::string("subtracts zero points as ") + c10::toString(dtype) + ", which overflows");
  }
  return minus(to, to.cast(x, at::kFloat), to.cast(zero_point, at::kFloat));
}

bool is_zero(const at::Tensor& constant) { return constant.defined() && at::equal(constant, at::zeros_like(constant)); }

/// A vector with one element for each index of `axis`, to be broadcast.
Operand along(Lowering& to, const Operand& vector, int64_t axis, int64_t rank) {
  return to.unsqueeze(vector, axes_from(1, rank - axis - 1));
}

Operand one_element(Lowering& to, const Call& call, std::string_view name, at::ScalarType dtype) {
  if (std::holds_alternative<c10::IValue>(call.argument(name))) return to.number(call.scalar(name), dtype);
  return to.reshape(to.operand(call, name, dtype), call.tensor(name).sizes, {});
}

// Of quantized_decomposed ---------------------------------------------------------------------------------------------

void quantize_per_tensor(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  const Operand x = to.operand(call, "input", at::kFloat);
  const Bounds range = bounds(to, call, dtype);
  if (const auto with = affine(constant_of(to, call, "scale"), constant_of(to, call, "zero_point"), dtype, {})) {
    return to.result(quantized(to, x, *with, range));
  }
  const Operand steps = to.emit("Mul", {x, inverse(to, one_element(to, call, "scale", at::kFloat))});
  const Operand moved = plus(to, to.emit("Round", {steps}), one_element(to, call, "zero_point", at::kFloat));
  to.result(clamped(to, moved, range, dtype));
}

void dequantize_per_tensor(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  const Operand x = to.operand(call, "input");
  const auto with = affine(constant_of(to, call, "scale"), constant_of(to, call, "zero_point"), x.dtype, {});
  if (with && dtype == at::kFloat) return to.result(dequantized(to, x, *with));
  const Operand steps = minus(to, to.cast(x, dtype), one_element(to, call, "zero_point", dtype));
  to.result(times(to, to.cast(steps, at::kFloat), one_element(to, call, "scale", at::kFloat)));
}

void quantize_per_channel(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  const int64_t rank = to.output().dim(), axis = call.axis("axis", rank);
  const Operand x = to.operand(call, "input", at::kFloat);
  const Bounds range = bounds(to, call, dtype);
  if (const auto with = affine(constant_of(to, call, "scales"), constant_of(to, call, "zero_points"), dtype, axis)) {
    return to.result(quantized(to, x, *with, range));
  }
  const Operand steps = times(to, x, inverse(to, along(to, to.operand(call, "scales"), axis, rank)));
  const Operand zero_points = to.operand(call, "zero_points", steps.dtype);
  to.result(clamped(to, plus(to, to.emit("Round", {steps}), along(to, zero_points, axis, rank)), range, dtype));
}

void dequantize_per_channel(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  const int64_t rank = to.output().dim(), axis = call.axis("axis", rank);
  const Operand x = to.operand(call, "input");
  const at::Tensor scales = constant_of(to, call, "scales");
  const bool has_zero_points = call.has("zero_points");
  const at::Tensor zero_points = has_zero_points
                                     ? constant_of(to, call, "zero_points")
                                     : at::zeros({1}, at::kLong).expand({scales.defined() ? scales.numel() : 1});
  const bool is_symmetric = is_zero(zero_points);
  const Operand offsets = has_zero_points ? to.operand(call, "zero_points") : Operand{};
  const bool may_overflow = !is_symmetric && c10::promoteTypes(x.dtype, offsets.dtype) == x.dtype;
  const auto with = may_overflow ? std::nullopt : affine(scales, zero_points, x.dtype, axis);
  if (with && dtype == at::kFloat) return to.result(dequantized(to, x, *with));
  const Operand steps = is_symmetric ? to.cast(x, at::kFloat) : centred(to, x, along(to, offsets, axis, rank));
  to.result(times(to, steps, along(to, to.operand(call, "scales"), axis, rank)));
}

void quantize_per_token(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  const Operand steps = times(to, to.operand(call, "input"), inverse(to, to.operand(call, "scales")));
  const Operand moved = plus(to, steps, to.operand(call, "zero_points", steps.dtype));
  to.result(clamped(to, to.emit("Round", {moved}), bounds(to, call, dtype), dtype));
}

void dequantize_per_token(Lowering& to, const Call& call, std::string_view) {
  const Operand x = to.operand(call, "input");
  to.result(times(to, centred(to, x, to.operand(call, "zero_points")), to.operand(call, "scales")));
}

void choose_qparams_per_token(Lowering& to, const Call& call, std::string_view) {
  const Operand x = to.operand(call, "input");
  const Operand largest = to.emit("ReduceMax", {to.emit("Abs", {x}), to.integers({-1})}, {{"keepdims", int64_t{1}}});
  const Operand wide = to.cast(largest, to.output().dtype);
  const Operand scale =
      to.emit("Div", {to.emit("Max", {wide, to.number(1e-5, wide.dtype)}), to.number(127, wide.dtype)});
  to.result(scale);
  to.result(to.emit("Sub", {scale, scale}));
}

void convert_element_type(Lowering& to, const Call& call, std::string_view) { to.result(to.operand(call, "input")); }

// Of torchao ----------------------------------------------------------------------------------------------------------

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
  return affine(scale, has_zero_point ? constant_of(to, call, "zero_point") : at::zeros_like(scale), dtype, axis);
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

/// Bytes multiplied and added up as int32.
void integer_matmul(Lowering& to, const Call& call, std::string_view) {
  to.result(to.emit_as(at::kInt, "MatMulInteger", {to.operand(call, "self"), to.operand(call, "mat2")}));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> quantization_conversions() {
  static constexpr Conversion table[] = {
      // Of quantized_decomposed.
      {"quantized_decomposed::quantize_per_tensor", convert::quantize_per_tensor},
      {"quantized_decomposed::quantize_per_tensor.tensor", convert::quantize_per_tensor},
      {"quantized_decomposed::quantize_per_tensor.tensor2", convert::quantize_per_tensor},
      {"quantized_decomposed::dequantize_per_tensor", convert::dequantize_per_tensor},
      {"quantized_decomposed::dequantize_per_tensor.tensor", convert::dequantize_per_tensor},
      {"quantized_decomposed::dequantize_per_tensor.tensor2", convert::dequantize_per_tensor},
      {"quantized_decomposed::quantize_per_channel", convert::quantize_per_channel},
      {"quantized_decomposed::dequantize_per_channel", convert::dequantize_per_channel},
      {"quantized_decomposed::quantize_per_token", convert::quantize_per_token},
      {"quantized_decomposed::dequantize_per_token", convert::dequantize_per_token},
      {"quantized_decomposed::choose_qparams_per_token", convert::choose_qparams_per_token},
      {"quantized_decomposed::convert_element_type.no_fuse", convert::convert_element_type},
      // Of torchao.
      {"torchao::quantize_affine", convert::quantize_affine},
      {"torchao::dequantize_affine", convert::dequantize_affine},
      {"torchao::choose_qparams_affine", convert::choose_qparams_affine},
      // _int_mm
      {"aten::_int_mm", convert::integer_matmul},
  };
  return table;
}

}  // namespace tracejet::onnx
