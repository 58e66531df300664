// ONNX: MatMul-13, Gemm-13.
#include <algorithm>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"

namespace tracejet::onnx::convert {

namespace {

/// A matrix, or the one that it is the transpose of: engines want weights as they lie in memory.
struct Matrix {
  Operand operand;
  bool is_transposed;
};

/// The axis of the second factor that is summed over.
int64_t summed_axis(const TensorMeta& factor) { return std::max<int64_t>(factor.dim() - 2, 0); }

bool swaps_two_axes(const Call& call) {
  const auto& name = call.op().operator_name().name;
  if (name == "aten::t") return true;
  if (name == "aten::permute") return call.axes("dims", 2) == std::vector<int64_t>{1, 0};
  return name == "aten::transpose" && call.axis("dim0", 2) != call.axis("dim1", 2);
}

Matrix untransposed(const Lowering& to, const Value& value) {
  if (value.producer() != nullptr && value.tensor().dim() == 2) {
    const Call producer(*value.producer());
    if (swaps_two_axes(producer)) return {to.operand(producer, "self"), true};
  }
  return {to.operand(value), false};
}

Operand scaled(Lowering& to, const Operand& x, const c10::Scalar& factor) {
  if (!factor.isSymbolic() && factor.equal(1)) return x;
  return to.emit("Mul", {x, to.number(factor, x.dtype)});
}

/// beta * bias + alpha * product, where beta 0 ignores the bias, NaNs included.
Operand combined(Lowering& to, const Call& call, const Operand& product) {
  const c10::Scalar beta = call.scalar("beta");
  const Operand right = scaled(to, product, call.scalar("alpha"));
  if (!beta.isSymbolic() && beta.equal(0)) return right;
  return to.emit("Add", {right, scaled(to, to.operand(call, "self", product.dtype), beta)});
}

/// a @ b, for bool and the integers as int64, which result() brings to their dtype. `second`: what b is.
Operand product(Lowering& to, const Operand& a, const Operand& b, const TensorMeta& second, at::ScalarType dtype,
                int64_t rank) {
  if (is_integer(dtype)) to.needs_exact_float();
  const auto computed = is_float(dtype) ? dtype : at::kLong;
  const int64_t axis = summed_axis(second);
  const c10::SymInt& count = second.sizes[static_cast<size_t>(axis)];
  const Operand left = with_zero(to, to.cast(a, computed), count, rank - 1, rank);
  Operand right = with_zero(to, to.cast(b, computed), count, axis, second.dim());
  // ONNX Runtime fuses the transposition of a matrix into its product with a vector, which comes out wrong.
  const bool is_column = rank > 1 && second.dim() == 1;
  if (is_column) right = to.unsqueeze(right, {1});
  Operand result = to.emit("MatMul", {left, right});
  if (is_column) result = to.squeeze(result, {-1});
  return dtype == at::kBool ? to.cast(result, dtype) : result;
}

Operand product(Lowering& to, const Value& a, const Value& b, at::ScalarType dtype) {
  return product(to, to.operand(a), to.operand(b), b.tensor(), dtype, a.tensor().dim());
}

/// a @ b, where b may be a stack of matrices.
Operand stacked_product(Lowering& to, const Value& a, const Value& b, at::ScalarType dtype) {
  const auto& left = a.tensor().sizes;
  const auto& right = b.tensor().sizes;
  const bool is_vector = left.size() == 1;
  const bool shares_stack = left.size() >= 3 && right.size() >= 3 &&
                            expression_of(left[left.size() - 3]) == expression_of(right[right.size() - 3]);
  const bool needs_expanding = !to.target().batched_weights && to.is_constant(b) && right.size() == 3 &&
                               left.size() <= 3 && right[0].maybe_as_int() != 1 && !shares_stack;
  if (!needs_expanding) return product(to, a, b, dtype);
  const c10::SymInt rows = is_vector ? c10::SymInt(1) : left[left.size() - 2];
  const Operand stacked = to.expand(to.operand(a), left, {right[0], rows, left.back()});
  const Operand matrices = product(to, stacked, to.operand(b), b.tensor(), dtype, /*rank=*/3);
  return is_vector ? to.squeeze(matrices, {1}) : matrices;
}

Operand matrix_product(Lowering& to, const Value& a, const Value& b, const Operand& bias) {
  const Matrix left = untransposed(to, a);
  const Matrix right = untransposed(to, b);
  const c10::SymInt& count = b.tensor().sizes[0];
  std::vector<Operand> inputs{with_zero(to, left.operand, count, left.is_transposed ? 0 : 1, 2),
                              with_zero(to, right.operand, count, right.is_transposed ? 1 : 0, 2)};
  if (!bias.name.empty()) inputs.push_back(bias);
  return to.emit("Gemm", inputs, {{"transA", int64_t{left.is_transposed}}, {"transB", int64_t{right.is_transposed}}});
}

void matmul(Lowering& to, const Call& call, std::string_view) {
  const bool is_mm = call.declares("mat2");
  const auto right_name = is_mm ? "mat2" : call.declares("vec") ? "vec" : call.declares("tensor") ? "tensor" : "other";
  const Value& a = call.value("self");
  const Value& b = call.value(right_name);
  const auto dtype = to.output().dtype;
  if (is_float(dtype) && a.tensor().dim() == 2 && b.tensor().dim() == 2) return to.result(matrix_product(to, a, b, {}));
  to.result(stacked_product(to, a, b, dtype));
}

void addmm(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  const auto right_name = call.declares("mat2") ? "mat2" : "vec";
  const Value& a = call.value(call.declares("mat1") ? "mat1" : "mat");
  const Value& b = call.value(right_name);
  const bool is_plain = call.scalar("beta").equal(1) && call.scalar("alpha").equal(1);
  if (is_float(dtype) && is_plain && b.tensor().dim() == 2) {
    return to.result(matrix_product(to, a, b, to.operand(call, "self")));
  }
  to.result(combined(to, call, product(to, a, b, dtype)));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> linear_algebra_conversions() {
  static constexpr Conversion table[] = {
      // mm, bmm, mv, dot, matmul
      {"aten::mm", convert::matmul},   {"aten::bmm", convert::matmul},    {"aten::mv", convert::matmul},
      {"aten::dot", convert::matmul},  {"aten::matmul", convert::matmul}, {"aten::addmm", convert::addmm},
      {"aten::addmv", convert::addmm},
  };
  return table;
}

}  // namespace tracejet::onnx
