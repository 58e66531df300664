// Distances between rows, straight from their differences: PyTorch's way by products of matrices loses digits.
// ONNX: ReduceSum-13, Pow-15, Sqrt-13.
#include <cmath>
#include <vector>

#include <ATen/ops/triu_indices.h>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"

namespace tracejet::onnx::convert {

namespace {

/// The p-norm along the last of `rank` axes.
Operand norm(Lowering& to, const Operand& x, int64_t rank, double p) {
  const auto sum = [&](const Operand& terms) {
    return to.emit("ReduceSum", {terms, to.integers({rank - 1})}, {{"keepdims", int64_t{0}}});
  };
  if (p == 2) return to.emit("Sqrt", {sum(to.emit("Mul", {x, x}))});
  if (p == 1) return sum(to.emit("Abs", {x}));
  if (p == 0 || std::isinf(p)) to.fail("counts or compares differences, p = " + std::to_string(p));
  const Operand powers = to.emit("Pow", {to.emit("Abs", {x}), to.number(p, x.dtype)});
  return to.emit("Pow", {sum(powers), to.number(1 / p, x.dtype)});
}

void of_two(Lowering& to, const Call& call, std::string_view) {
  const int64_t rank = call.tensor("x1").dim();
  if (call.tensor("x1").sizes.back().maybe_as_int() == 0) {  // OpenVINO loses the rows of what has no columns
    return to.result(to.expand(to.number(0, to.output().dtype), {}, to.output().sizes));
  }
  const Operand rows = to.unsqueeze(to.operand(call, "x1"), {rank - 1});
  const Operand columns = to.unsqueeze(to.operand(call, "x2"), {call.tensor("x2").dim() - 2});
  to.result(norm(to, to.emit("Sub", {rows, columns}), rank + 1, call.number("p")));
}

void of_pairs(Lowering& to, const Call& call, std::string_view) {
  const int64_t count = static_sizes(to, {call.tensor("self").sizes[0]}, "the number of rows")[0];
  const at::Tensor pairs = at::triu_indices(count, count, 1);
  const Operand x = to.operand(call, "self");
  const auto rows = [&](int64_t side) {
    return to.emit("Gather", {x, to.constant(pairs[side].contiguous())}, {{"axis", int64_t{0}}});
  };
  to.result(norm(to, to.emit("Sub", {rows(0), rows(1)}), 2, call.number("p")));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> distance_conversions() {
  static constexpr Conversion table[] = {
      {"aten::_cdist_forward", convert::of_two},
      {"aten::_pdist_forward", convert::of_pairs},
  };
  return table;
}

}  // namespace tracejet::onnx
