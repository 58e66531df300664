#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lowering/onnx/helpers.h"

/// What conversions of quantization have in common: integers are steps of a scale from a zero point.
namespace tracejet::onnx::convert::affine {

/// The first and the last of the integers that values are quantized to.
struct Bounds {
  int64_t min, max;
};

/// A number, or the data of a weight; undefined where it is computed when the program runs.
at::Tensor constant_of(const Lowering& to, const Call& call, std::string_view name);

/// quant_min and quant_max; None is all that `dtype` has.
Bounds bounds(const Lowering& to, const Call& call, at::ScalarType dtype);

/// Scale and zero point of a tensor, or of each index of an axis, as QuantizeLinear and DequantizeLinear have them.
struct Affine {
  at::Tensor scale, zero_point;  ///< 0-dim, or 1-dim along the axis; the zero point in the dtype of what is quantized
  int64_t axis = 0;
};

/// Nothing where they aren't both constant, or where ONNX's operators don't take them.
std::optional<Affine> affine_of(const at::Tensor& scale, const at::Tensor& zero_point, at::ScalarType dtype,
                                std::optional<int64_t> axis);

/// Divides by the scale where ATen multiplies by its inverse: what lies between two integers may be rounded to the
/// other one.
Operand quantized(Lowering& to, const Operand& x, const Affine& with, const Bounds& bounds);

Operand dequantized(Lowering& to, const Operand& x, const Affine& with);

/// In the dtype that both meet in, whatever their ranks.
Operand plus(Lowering& to, const Operand& a, const Operand& b);
Operand minus(Lowering& to, const Operand& a, const Operand& b);
Operand times(Lowering& to, const Operand& a, const Operand& b);

Operand clamped(Lowering& to, const Operand& steps, const Bounds& bounds, at::ScalarType dtype);

Operand inverse(Lowering& to, const Operand& scale);

/// Integers less their zero points, which ATen subtracts in the dtype of both.
Operand centred(Lowering& to, const Operand& x, const Operand& zero_point);

bool is_zero(const at::Tensor& constant);

/// A vector with one element for each index of `axis`, to be broadcast.
Operand along(Lowering& to, const Operand& vector, int64_t axis, int64_t rank);

Operand one_element(Lowering& to, const Call& call, std::string_view name, at::ScalarType dtype);

}  // namespace tracejet::onnx::convert::affine
