// ONNX: Exp-13.
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

Operand with_zero(Lowering& to, const Operand& factor, const c10::SymInt& count, int64_t axis, int64_t rank) {
  if (!may_be_empty(count)) return factor;
  Sizes amounts(2 * static_cast<size_t>(rank), 0);
  amounts[static_cast<size_t>(rank + axis)] = 1;
  return surrounded(to, factor, amounts, 0);
}

}  // namespace tracejet::onnx::convert
