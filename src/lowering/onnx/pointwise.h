#pragma once

#include "lowering/onnx/lowering.h"

// What conversions of functions of single numbers have in common.
namespace tracejet::onnx::convert {

/// The operand in the dtype of the result, as it is computed.
Operand self(Lowering& to, const Call& call);
Operand other(Lowering& to, const Call& call);
/// Whether the reader computes with both operands exactly.
bool are_exact(const Lowering& to, const Call& call);
Operand is_zero(Lowering& to, const Operand& x);
Operand less_than_zero(Lowering& to, const Operand& x);
/// less_than_zero, and -0.0 too: its reciprocal is.
Operand has_sign(Lowering& to, const Operand& x);
Operand is_nonzero(Lowering& to, const Operand& x);
/// The least positive number that the reader divides by.
Operand least_divisor(Lowering& to, at::ScalarType dtype);
/// Whether a quotient by it isn't one by 0.
Operand is_divisor(Lowering& to, const Operand& x);
Operand is_infinite(Lowering& to, const Operand& x);
Operand both(Lowering& to, const Operand& a, const Operand& b);
Operand either(Lowering& to, const Operand& a, const Operand& b);

}  // namespace tracejet::onnx::convert
