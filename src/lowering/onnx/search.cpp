// Where numbers belong in a sorted sequence.
// ONNX: Less-13, LessOrEqual-16, ReduceSum-13.
#include <string>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"

namespace tracejet::onnx::convert {

namespace {

bool goes_right(const Call& call) {
  return call.flag("right") || (call.declares("side") && call.has("side") && call.text("side") == "right");
}

/// `bounds`: sorted along the last axis, and broadcast with `x`, whose last axis is 1.
Operand is_before(Lowering& to, const Operand& bounds, const Operand& x, bool or_equal, bool is_exact) {
  if (is_exact) return to.emit_as(at::kBool, or_equal ? "LessOrEqual" : "Less", {bounds, x});
  return or_equal ? negated(to, less(to, x, bounds)) : less(to, bounds, x);
}

/// `sequence`: the name of the argument that is searched. As many of its elements come before a number as are less, or
/// as aren't greater; all do before NaN.
void search(Lowering& to, const Call& call, std::string_view sequence) {
  const TensorMeta& meta = call.tensor(sequence);
  const auto dtype = as_number(meta.dtype);
  const int64_t rank = call.tensor("self").dim();
  const bool is_exact =
      !is_integer(dtype) || (to.is_exact(to.range(call, "self")) && to.is_exact(to.range(call, sequence)));
  Operand bounds = computed(to, call, sequence, dtype);
  if (call.declares("sorter") && call.has("sorter"))
    bounds = to.gather_elements(bounds, to.operand(call, "sorter"), meta.dim() - 1);
  if (meta.dim() > 1) bounds = to.unsqueeze(bounds, {meta.dim() - 1});
  const Operand x = to.unsqueeze(computed(to, call, "self", dtype), {rank});
  Operand before = is_before(to, bounds, x, goes_right(call), is_exact);
  if (is_float(dtype)) before = to.emit_as(at::kBool, "Or", {before, is_nan(to, x)});
  const Lowering::Attributes drop{{"keepdims", int64_t{0}}};
  to.result(to.emit("ReduceSum", {to.cast(before, at::kInt), to.integers({rank})}, drop));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> search_conversions() {
  static constexpr Conversion table[] = {
      {"aten::bucketize.Tensor", convert::search, "boundaries"},
      {"aten::searchsorted.Tensor", convert::search, "sorted_sequence"},
  };
  return table;
}

}  // namespace tracejet::onnx
