// Quantization of quantized_decomposed. Where scales and zero points are weights, as QuantizeLinear and
// DequantizeLinear, which engines look for to compute in integers; where they are computed, as the arithmetic of the
// ATen operator.
// ONNX: QuantizeLinear-19, DequantizeLinear-19, MatMulInteger-10.
#include <ATen/ops/zeros.h>

#include "lowering/onnx/affine.h"
#include "lowering/onnx/families.h"

namespace tracejet::onnx::convert {

namespace {

using namespace affine;

void quantize_per_tensor(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  const Operand x = to.operand(call, "input", at::kFloat);
  const Bounds range = bounds(to, call, dtype);
  if (const auto with = affine_of(constant_of(to, call, "scale"), constant_of(to, call, "zero_point"), dtype, {})) {
    return to.result(quantized(to, x, *with, range));
  }
  const Operand steps = to.emit("Mul", {x, inverse(to, one_element(to, call, "scale", at::kFloat))});
  const Operand moved = plus(to, to.emit("Round", {steps}), one_element(to, call, "zero_point", at::kFloat));
  to.result(clamped(to, moved, range, dtype));
}

void dequantize_per_tensor(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  const Operand x = to.operand(call, "input");
  const auto with = affine_of(constant_of(to, call, "scale"), constant_of(to, call, "zero_point"), x.dtype, {});
  if (with && dtype == at::kFloat) return to.result(dequantized(to, x, *with));
  const Operand steps = minus(to, to.cast(x, dtype), one_element(to, call, "zero_point", dtype));
  to.result(times(to, to.cast(steps, at::kFloat), one_element(to, call, "scale", at::kFloat)));
}

void quantize_per_channel(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  const int64_t rank = to.output().dim(), axis = call.axis("axis", rank);
  const Operand x = to.operand(call, "input", at::kFloat);
  const Bounds range = bounds(to, call, dtype);
  if (const auto with = affine_of(constant_of(to, call, "scales"), constant_of(to, call, "zero_points"), dtype, axis)) {
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
  const auto with = may_overflow ? std::nullopt : affine_of(scales, zero_points, x.dtype, axis);
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

/// Bytes multiplied and added up as int32.
void integer_matmul(Lowering& to, const Call& call, std::string_view) {
  to.result(to.emit_as(at::kInt, "MatMulInteger", {to.operand(call, "self"), to.operand(call, "mat2")}));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> quantization_conversions() {
  static constexpr Conversion table[] = {
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
      {"aten::_int_mm", convert::integer_matmul},
  };
  return table;
}

}  // namespace tracejet::onnx
