// Numbers for which Python raises, where an engine computes infinity or NaN and goes on.
// ONNX: Div-14, Sqrt-13, Pow-15.
#include <cmath>

#include "lowering/onnx/helpers.h"
#include "lowering/onnx/integers.h"
#include "lowering/onnx/lowering.h"
#include "lowering/onnx/pointwise.h"

namespace tracejet::onnx {

using symbolic::Expression;
using symbolic::Kind;

namespace {

Expression zero_like(const Expression& number) { return number.is_float() ? Expression::real(0) : Expression(0); }

/// Of floats of data, nothing is known.
bool may_be_zero(const Expression& number) { return symbolic::equal(number, zero_like(number)).range().max != 0; }
bool may_be_negative(const Expression& number) { return symbolic::less(number, zero_like(number)).range().max != 0; }

bool is_whole(const Expression& number) {
  return number.kind() == Kind::kToFloat || (number.is_constant() && std::floor(number.real()) == number.real());
}

}  // namespace

void Lowering::forbid_undefined(const Expression& expression, const std::vector<Operand>& operands) {
  const auto compared = [&](std::string_view relation, const Operand& number) {
    return emit_as(at::kBool, relation, {number, cast(integer(0), number.dtype)});
  };
  const auto both = [&](const Operand& a, const Operand& b) { return emit_as(at::kBool, "And", {a, b}); };
  switch (expression.kind()) {
    case Kind::kFloorDiv:
    case Kind::kMod:
    case Kind::kTrueDiv: {
      const Expression& divisor = expression.operands()[1];
      if (may_be_zero(divisor))
        forbid(compared("Equal", operands[1]), "divides by " + divisor.str() + ", which is 0 here");
      return;
    }
    case Kind::kSqrt: {
      const Expression& number = expression.operands()[0];
      if (may_be_negative(number))
        forbid(compared("Less", operands[0]), "takes the square root of " + number.str() + ", which is negative here");
      return;
    }
    case Kind::kFloatPower: {
      const Expression& base = expression.operands()[0];
      const Expression& exponent = expression.operands()[1];
      if (may_be_zero(base) && may_be_negative(exponent))
        forbid(both(compared("Equal", operands[0]), compared("Less", operands[1])),
               "takes a negative power of " + base.str() + ", which is 0 here");
      if (may_be_negative(base) && !is_whole(exponent)) {
        const Operand whole = emit_as(at::kBool, "Equal", {operands[1], emit("Floor", {operands[1]})});
        forbid(both(compared("Less", operands[0]), convert::negated(*this, whole)),
               "takes a power of " + base.str() + " that is no real number: it is negative here");
      }
      return;
    }
    case Kind::kFloor:
    case Kind::kCeil:
    case Kind::kRound:
    case Kind::kTruncate:
      if (symbolic::is_data_dependent(expression))
        forbid(convert::either(*this, convert::is_nan(*this, operands[0]), convert::is_infinite(*this, operands[0])),
               "an integer is made of NaN or infinity, which Python refuses");
      return;
    default:
      return;
  }
}

}  // namespace tracejet::onnx
