// ONNX: IsInf-20, Less-13.
#include "lowering/onnx/pointwise.h"

#include <limits>

#include "lowering/onnx/helpers.h"

namespace tracejet::onnx::convert {

Operand self(Lowering& to, const Call& call) {
  const auto dtype = to.output().dtype;
  return dtype == at::kBool ? to.operand(call, "self", dtype) : computed(to, call, "self", dtype);
}

Operand other(Lowering& to, const Call& call) { return computed(to, call, "other", to.output().dtype); }

bool are_exact(const Lowering& to, const Call& call) {
  return to.is_exact(to.range(call, "self")) && to.is_exact(to.range(call, "other"));
}

Operand is_zero(Lowering& to, const Operand& x) { return to.emit_as(at::kBool, "Equal", {x, to.number(0, x.dtype)}); }

Operand less_than_zero(Lowering& to, const Operand& x) {
  return to.emit_as(at::kBool, "Less", {x, to.number(0, x.dtype)});
}

Operand has_sign(Lowering& to, const Operand& x) {
  if (!is_float(x.dtype)) return less_than_zero(to, x);
  const Operand is_zero = to.emit_as(at::kBool, "Equal", {x, to.number(0, x.dtype)});
  return less_than_zero(to, choose(to, is_zero, to.emit("Div", {to.number(1, x.dtype), x}), x));
}

Operand is_nonzero(Lowering& to, const Operand& x) { return to.cast(x, at::kBool); }

Operand least_divisor(Lowering& to, at::ScalarType dtype) {
  const auto least = [&]<class T>(T) {
    return to.target().subnormals ? std::numeric_limits<T>::denorm_min() : std::numeric_limits<T>::min();
  };
  if (dtype == at::kHalf) return to.number(static_cast<double>(std::numeric_limits<at::Half>::denorm_min()), dtype);
  if (dtype == at::kBFloat16) return to.number(static_cast<double>(std::numeric_limits<at::BFloat16>::min()), dtype);
  return to.number(dtype == at::kDouble ? least(double()) : least(float()), dtype);
}

Operand is_divisor(Lowering& to, const Operand& x) {
  if (!is_float(x.dtype)) return is_nonzero(to, x);
  const Operand least = least_divisor(to, x.dtype);
  const Operand is_below = to.emit_as(at::kBool, "Less", {x, least});
  return negated(to, both(to, is_below, to.emit_as(at::kBool, "Less", {to.emit("Neg", {least}), x})));
}

Operand is_infinite(Lowering& to, const Operand& x) {
  if (to.target().tests_infinity) return to.emit_as(at::kBool, "IsInf", {x});
  const auto is = [&](double infinity) { return to.emit_as(at::kBool, "Equal", {x, to.number(infinity, x.dtype)}); };
  return either(to, is(std::numeric_limits<double>::infinity()), is(-std::numeric_limits<double>::infinity()));
}

Operand both(Lowering& to, const Operand& a, const Operand& b) { return to.emit_as(at::kBool, "And", {a, b}); }

Operand either(Lowering& to, const Operand& a, const Operand& b) { return to.emit_as(at::kBool, "Or", {a, b}); }

}  // namespace tracejet::onnx::convert
