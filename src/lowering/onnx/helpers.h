#pragma once

#include <initializer_list>
#include <limits>
#include <numeric>
#include <string_view>
#include <vector>

#include <c10/core/ScalarType.h>

#include "ir/size_expression.h"
#include "lowering/onnx/integers.h"
#include "lowering/onnx/lowering.h"
#include "ops/shape/promotion.h"

/// What conversions share.
namespace tracejet::onnx::convert {

inline bool is_float(at::ScalarType dtype) { return at::isFloatingType(dtype); }
inline bool is_integer(at::ScalarType dtype) { return at::isIntegralType(dtype, /*includeBool=*/false); }

/// The dtype that these arguments (tensors or numbers) meet in.
inline at::ScalarType promoted(const Call& call, std::initializer_list<std::string_view> arguments) {
  promotion::ResultType type;
  for (const auto argument : arguments) type.add(call, argument);
  return type.get();
}

inline Operand negated(Lowering& to, const Operand& condition) { return to.emit_as(at::kBool, "Not", {condition}); }

inline Operand is_nan(Lowering& to, const Operand& x) { return to.emit_as(at::kBool, "IsNaN", {x}); }

inline Operand choose(Lowering& to, const Operand& condition, const Operand& yes, const Operand& no) {
  return to.emit_as(yes.dtype, "Where", {condition, yes, no});
}

/// exp(x), which is NaN where x is.
Operand exponential(Lowering& to, const Operand& x);

/// The larger or smaller of two ("Max", "Min"): NaN where one of them is.
Operand extremum_of(Lowering& to, std::string_view which, const Operand& a, const Operand& b);

/// Softmax's result where a row may be all -inf: zeros there, not the NaN of an empty softmax.
inline Operand without_masked(Lowering& to, const Operand& weights, const Operand& scores) {
  const Operand never = to.number(-std::numeric_limits<double>::infinity(), scores.dtype);
  const Operand is_masked = to.emit_as(at::kBool, "Equal", {scores, never});
  return to.emit_as(weights.dtype, "Where", {is_masked, to.number(0, weights.dtype), weights});
}

/// An axis argument of a tensor that may be 0-dim, for which ONNX needs an axis of its own.
struct WithAxis {
  Operand operand;
  int64_t axis;
  bool is_scalar;
};

inline WithAxis with_axis(Lowering& to, const Call& call, const Operand& x) {
  const auto rank = call.tensor("self").dim();
  if (rank == 0) return {to.unsqueeze(x, {0}), 0, true};
  return {x, call.axis("dim", rank), false};
}

inline Operand without_axis(Lowering& to, const Operand& result, bool is_scalar) {
  return is_scalar ? to.squeeze(result, {0}) : result;
}

inline bool may_be_empty(const c10::SymInt& size) { return expression_of(size).range().min <= 0; }

/// There is no greatest of nothing.
inline void require_elements(Lowering& to, const c10::SymInt& count) {
  to.require(symbolic::less_equal(1, expression_of(count)), "has nothing to reduce: the axis is empty");
}

inline std::vector<int64_t> axes_from(int64_t first, int64_t count) {
  std::vector<int64_t> axes(static_cast<size_t>(count));
  std::iota(axes.begin(), axes.end(), first);
  return axes;
}

/// How many elements lie along axes.
inline c10::SymInt element_count(const TensorMeta& meta, const std::vector<int64_t>& axes) {
  c10::SymInt count = 1;
  for (const int64_t axis : axes) count *= meta.sizes[static_cast<size_t>(axis)];
  return count;
}

/// With the same value around it; `amounts` are those before each axis, then those behind.
/// ONNX Runtime moves a Pad without axes into what pools or convolves next, which pads with something else, or reads
/// what is gone.
inline Operand surrounded(Lowering& to, const Operand& x, c10::SymIntArrayRef amounts, const c10::Scalar& value) {
  std::vector<Operand> inputs{x, to.numbers(amounts), to.number(value, x.dtype)};
  if (to.target().pads_axes) inputs.push_back(to.integers(axes_from(0, static_cast<int64_t>(amounts.size() / 2))));
  return to.emit("Pad", inputs, {{"mode", std::string("constant")}});
}

/// A factor of a product that sums over `count` elements of this axis, with a zero behind them where there may be none:
/// of nothing, engines make whatever their memory holds.
Operand with_zero(Lowering& to, const Operand& factor, const c10::SymInt& count, int64_t axis, int64_t rank);

/// The sizes as plain numbers; ends the conversion where one is symbolic.
inline std::vector<int64_t> static_sizes(const Lowering& to, c10::SymIntArrayRef sizes, std::string_view what) {
  std::vector<int64_t> values;
  for (const c10::SymInt& size : sizes) {
    const auto known = size.maybe_as_int();
    if (!known) to.fail(std::string(what) + " can't be dynamic");
    values.push_back(*known);
  }
  return values;
}

}  // namespace tracejet::onnx::convert
