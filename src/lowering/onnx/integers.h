#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "lowering/onnx/lowering.h"

/// Integers as PyTorch has them, for readers that compute them otherwise: those of few bits wrap around, and none of
/// them goes through float32.
namespace tracejet::onnx::convert {

/// Integers of fewer bits than 32.
bool is_narrow(at::ScalarType dtype);
/// ONNX has arithmetic for numbers only, and its readers let narrow integers saturate: these and bool are computed as
/// int32, and wrapped where they become a result.
at::ScalarType as_number(at::ScalarType dtype);
/// In which dtype a call is computed that gives `dtype`: PyTorch computes with 16-bit floats in float32, and so with
/// numbers that 16 bits don't hold.
at::ScalarType computed_in(const Lowering& to, const Call& call, at::ScalarType dtype);
/// An argument as `dtype` has it, as the number that it is computed as.
Operand computed(Lowering& to, const Call& call, std::string_view name, at::ScalarType dtype);

/// A number as an integer dtype has it: out of its range, it wraps around.
c10::Scalar wrapped_number(const c10::Scalar& number, at::ScalarType dtype);
/// An int32 or int64, as many of its low bits as a narrow dtype has.
Operand wrapped(Lowering& to, const Operand& x, at::ScalarType dtype);

// In 32 bits, exact where the reader would go through float32: a sign and a zero survive that.
Operand equal(Lowering& to, const Operand& a, const Operand& b);
Operand less(Lowering& to, const Operand& a, const Operand& b);

struct Division {
  Operand quotient, remainder;
};
/// Rounded down; the remainder has the divisor's sign.
Division floor_division(Lowering& to, const Operand& a, const Operand& b);
/// Toward zero; the remainder has the dividend's sign.
Division truncated_division(Lowering& to, const Operand& a, const Operand& b);

/// high * 65536 + low, both exact in float32; `low` isn't negative.
struct Halves {
  Operand low, high;
};
Halves halves(Lowering& to, const Operand& x);
Operand joined(Lowering& to, const Halves& parts);
/// `move` only moves elements, or fills with a number: applied to both halves.
using Mover = std::function<Operand(const Operand& half, bool is_high)>;
Operand by_halves(Lowering& to, const Operand& x, const Mover& move);
/// ReduceMax or ReduceMin (`op`); no axes means all.
Operand extremum_by_halves(Lowering& to, std::string_view op, const Operand& x, const std::vector<int64_t>& axes,
                           bool keep);

/// `yes` where the condition holds, else `no`. Readers that compute other integers in float32 do so here, too.
Operand chosen(Lowering& to, const Operand& condition, const Operand& yes, const Operand& no);

/// The smaller of two, in a form that no reader takes for a Clip.
Operand smaller(Lowering& to, const Operand& a, const Operand& b);

}  // namespace tracejet::onnx::convert
