#include <algorithm>

#include "onnx/helpers.h"

namespace tracejet::onnx::convert {

namespace {

struct Axes {
  std::vector<int64_t> axes;  ///< empty: all
  bool keep;
};

Axes axes_of(const Call& call) {
  const auto rank = call.tensor("self").dim();
  const bool keep = call.declares("keepdim") && call.flag("keepdim");
  if (!call.declares("dim") || rank == 0) return {{}, keep};
  return {call.axes("dim", rank), keep};
}

Operand reduced(Lowering& to, std::string_view op, const Operand& x, const Axes& over) {
  Lowering::Attributes attributes{{"keepdims", int64_t{over.keep}}};
  if (over.axes.empty()) return to.emit(op, {x}, std::move(attributes));
  return to.emit(op, {x, to.integers(over.axes)}, std::move(attributes));
}

/// any and all take an empty list of axes at its word; other reductions read it as all axes.
bool reduces_nothing(const Call& call) {
  return call.declares("dim") && call.has("dim") && call.axes("dim", call.tensor("self").dim()).empty();
}

/// How many elements of a bool tensor are true.
Operand count(Lowering& to, const Operand& truth, const Axes& over) {
  return reduced(to, "ReduceSum", to.cast(truth, at::kInt), over);
}

Operand is_zero(Lowering& to, const Operand& x) { return to.emit_as(at::kBool, "Equal", {x, to.number(0, x.dtype)}); }

/// An axis argument of a tensor that may be 0-dim, for which ONNX needs an axis of its own.
struct Unfolded {
  Operand operand;
  int64_t axis;
  bool is_scalar;
};

Unfolded with_axis(Lowering& to, const Call& call, const Operand& x) {
  const auto rank = call.tensor("self").dim();
  if (rank == 0) return {to.unsqueeze(x, {0}), 0, true};
  return {x, call.axis("dim", rank), false};
}

Operand folded(Lowering& to, const Operand& result, bool is_scalar) {
  return is_scalar ? to.squeeze(result, {0}) : result;
}

void sorted(Lowering& to, const Call& call, const Operand& count_along_axis, bool largest, bool in_order) {
  const auto [x, axis, is_scalar] = with_axis(to, call, to.operand(call, "self"));
  const Operand number = to.cast(x, as_number(x.dtype));
  const auto results = to.emit_many({number.dtype, at::kLong}, "TopK", {number, count_along_axis},
                                    {{"axis", axis}, {"largest", int64_t{largest}}, {"sorted", int64_t{in_order}}});
  to.result(folded(to, to.cast(results[0], x.dtype), is_scalar));
  to.result(folded(to, results[1], is_scalar));
}

}  // namespace

void reduce(Lowering& to, const Call& call, std::string_view target) {
  const Operand x = to.operand(call, "self", as_number(to.output().dtype));
  to.result(reduced(to, target, x, axes_of(call)));
}

void any(Lowering& to, const Call& call, std::string_view) {
  const Operand truth = to.cast(to.operand(call, "self"), at::kBool);
  if (reduces_nothing(call)) return to.result(truth);
  to.result(negated(to, is_zero(to, count(to, truth, axes_of(call)))));
}

void all(Lowering& to, const Call& call, std::string_view) {
  const Operand truth = to.cast(to.operand(call, "self"), at::kBool);
  if (reduces_nothing(call)) return to.result(truth);
  to.result(is_zero(to, count(to, negated(to, truth), axes_of(call))));
}

void arg_extremum(Lowering& to, const Call& call, std::string_view target) {
  Operand x = to.operand(call, "self");
  x = to.cast(x, as_number(x.dtype));
  const TensorMeta& meta = call.tensor("self");
  const bool over_all = !call.has("dim") || meta.dim() == 0;
  const int64_t axis = over_all ? 0 : call.axis("dim", meta.dim());
  if (over_all) x = to.emit("Reshape", {x, to.integers({-1})});
  const int64_t keep = !over_all && call.flag("keepdim");
  const Operand index = to.emit_as(at::kLong, target, {x}, {{"axis", axis}, {"keepdims", keep}});
  const auto& sizes = to.output().sizes;  // all ones, where an index over everything keeps the axes
  to.result(over_all ? to.reshape(index, {}, sizes) : index);
}

void extremum_with_index(Lowering& to, const Call& call, std::string_view target) {
  Operand self = to.operand(call, "self");
  self = to.cast(self, as_number(self.dtype));
  const auto [x, axis, is_scalar] = with_axis(to, call, self);
  const int64_t keep = !is_scalar && call.flag("keepdim");
  const std::string which(target);
  to.result(to.emit("Reduce" + which, {x, to.integers({axis})}, {{"keepdims", keep}}));
  to.result(to.emit_as(at::kLong, "Arg" + which, {x}, {{"axis", axis}, {"keepdims", keep}}));
}

void cumsum(Lowering& to, const Call& call, std::string_view) {
  const auto [x, axis, is_scalar] = with_axis(to, call, to.operand(call, "self", to.output().dtype));
  to.result(folded(to, to.emit("CumSum", {x, to.integer(axis)}), is_scalar));
}

void topk(Lowering& to, const Call& call, std::string_view) {
  sorted(to, call, to.size(call.sym_int("k")), call.flag("largest"), call.flag("sorted"));
}

void sort(Lowering& to, const Call& call, std::string_view) {
  const TensorMeta& meta = call.tensor("self");
  const c10::SymInt length =
      meta.dim() == 0 ? c10::SymInt(1) : meta.sizes[static_cast<size_t>(call.axis("dim", meta.dim()))];
  sorted(to, call, to.size(length), call.flag("descending"), true);
}

void variance(Lowering& to, const Call& call, std::string_view) {
  const Operand x = to.operand(call, "self", to.output().dtype);
  const TensorMeta& meta = call.tensor("self");
  Axes over = axes_of(call);
  const Operand mean = reduced(to, "ReduceMean", x, {over.axes, true});
  const Operand centred = to.emit("Sub", {x, mean});
  const Operand squares = reduced(to, "ReduceSum", to.emit("Mul", {centred, centred}), over);
  c10::SymInt elements = 1;
  for (int64_t axis = 0; axis < meta.dim(); ++axis) {
    if (over.axes.empty() || std::ranges::count(over.axes, axis) > 0) elements *= meta.sizes[static_cast<size_t>(axis)];
  }
  const double correction = call.declares("correction") ? call.optional_number("correction").value_or(1) : 1;
  const Operand freedom = to.emit("Sub", {to.number(elements, x.dtype), to.number(correction, x.dtype)});
  to.result(to.emit("Div", {squares, to.emit("Max", {freedom, to.number(0, x.dtype)})}));
  if (to.output_count() > 1) to.result(over.keep ? mean : reduced(to, "ReduceMean", x, over));
}

}  // namespace tracejet::onnx::convert
