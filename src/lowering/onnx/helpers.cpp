#include "lowering/onnx/helpers.h"

namespace tracejet::onnx::convert {

Operand exponential(Lowering& to, const Operand& x) {
  const Operand result = to.emit("Exp", {x});
  return to.target().keeps_nan ? result : choose(to, is_nan(to, x), x, result);
}

Operand extremum_of(Lowering& to, std::string_view which, const Operand& a, const Operand& b) {
  if (!is_float(a.dtype) || to.target().keeps_nan) return to.emit(which, {a, b});
  // Where b is NaN, the comparison is false.
  const Operand is_beyond = to.emit_as(at::kBool, "Less", which == "Max" ? std::vector{b, a} : std::vector{a, b});
  return choose(to, to.emit_as(at::kBool, "Or", {is_nan(to, a), is_beyond}), a, b);
}

}  // namespace tracejet::onnx::convert
