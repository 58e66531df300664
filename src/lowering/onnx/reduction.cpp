// ONNX: ReduceMax-20, ReduceMean-18, ReduceMin-20, ReduceProd-18, ReduceSum-13, CumSum-14.
#include <algorithm>
#include <limits>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"
#include "lowering/onnx/pointwise.h"

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

std::vector<int64_t> axes_or_all(const Axes& over, const TensorMeta& meta) {
  return over.axes.empty() ? axes_from(0, meta.dim()) : over.axes;
}

/// The mean of nothing is NaN, which runtimes don't agree on.
Operand mean_of(Lowering& to, const Operand& x, const Axes& over, const TensorMeta& meta) {
  const c10::SymInt elements = element_count(meta, axes_or_all(over, meta));
  if (expression_of(elements).range().min > 0) return reduced(to, "ReduceMean", x, over);
  return to.emit("Div", {reduced(to, "ReduceSum", x, over), to.number(elements, x.dtype)});
}

c10::SymInt size_of(const Call& call, int64_t axis) { return call.tensor("self").sizes[static_cast<size_t>(axis)]; }

/// A sum in integers: the last of a running sum, behind a zero where there may be nothing.
Operand exact_sum(Lowering& to, const Call& call, Operand x, const Axes& over) {
  auto axes = axes_or_all(over, call.tensor("self"));
  std::ranges::sort(axes, std::ranges::greater());
  for (const int64_t axis : axes) {
    if (expression_of(size_of(call, axis)).range().min == 0) {
      const Operand zeros = to.emit("Mul", {x, to.number(0, x.dtype)});
      const Operand nothing = to.emit("ReduceSum", {zeros, to.integers({axis})}, {{"keepdims", int64_t{1}}});
      x = to.emit("Concat", {nothing, x}, {{"axis", axis}});
    }
    const Operand last = over.keep ? to.integers({-1}) : to.integer(-1);
    x = to.emit("Gather", {to.emit("CumSum", {x, to.integer(axis)}), last}, {{"axis", axis}});
  }
  return x;
}

/// A product in integers, along axes of known sizes.
Operand exact_product(Lowering& to, const Call& call, Operand x, const Axes& over) {
  auto axes = axes_or_all(over, call.tensor("self"));
  std::ranges::sort(axes, std::ranges::greater());
  for (const int64_t axis : axes) {
    const auto pick = [&](int64_t i) {
      return to.emit("Gather", {x, over.keep ? to.integers({i}) : to.integer(i)}, {{"axis", axis}});
    };
    Operand product = pick(0);
    for (int64_t i = 1; i < *size_of(call, axis).maybe_as_int(); ++i) product = to.emit("Mul", {product, pick(i)});
    x = product;
  }
  return x;
}

bool is_short(const Call& call, const Axes& over) {
  constexpr int64_t kLongest = 64;
  return std::ranges::all_of(axes_or_all(over, call.tensor("self")), [&](int64_t axis) {
    const auto size = size_of(call, axis).maybe_as_int();
    return size && *size > 0 && *size <= kLongest;
  });
}

/// any and all take an empty list of axes at its word; other reductions read it as all axes.
bool reduces_nothing(const Call& call) {
  return call.declares("dim") && call.has("dim") && call.axes("dim", call.tensor("self").dim()).empty();
}

/// How many elements of a bool tensor are true.
Operand count(Lowering& to, const Operand& truth, const Axes& over) {
  return reduced(to, "ReduceSum", to.cast(truth, at::kInt), over);
}

void reduce(Lowering& to, const Call& call, std::string_view target) {
  const Operand x = computed(to, call, "self", to.output().dtype);
  const TensorMeta& meta = call.tensor("self");
  const Axes over = axes_of(call);
  if (target == "ReduceMean") return to.result(mean_of(to, x, over, meta));
  // Some readers let sums of int32 saturate.
  if (x.dtype == at::kInt && to.has_int64()) return to.result(reduced(to, target, to.cast(x, at::kLong), over));
  if (!is_integer(x.dtype) || to.is_exact(to.unwrapped())) return to.result(reduced(to, target, x, over));
  if (target == "ReduceSum") return to.result(exact_sum(to, call, x, over));
  if (is_short(call, over)) return to.result(exact_product(to, call, x, over));
  to.needs_exact_float();
  to.result(reduced(to, target, x, over));
}

/// Runtimes drop NaN or keep it, as it lies, and begin to compare at the greatest finite number: so each element is
/// also told to be NaN, the infinity that everything else is beyond, or neither.
void extremum_over(Lowering& to, const Call& call, std::string_view target) {
  const Operand x = to.operand(call, "self", as_number(to.output().dtype));
  const Axes over = axes_of(call);
  const TensorMeta& self = call.tensor("self");
  require_elements(to, element_count(self, axes_or_all(over, self)));
  if (is_integer(x.dtype) && !to.is_exact(to.range(call, "self"))) {
    return to.result(extremum_by_halves(to, target, x, over.axes, over.keep));
  }
  const Operand extremum = reduced(to, target, x, over);
  if (!is_float(x.dtype)) return to.result(extremum);
  const double sign = target == "ReduceMax" ? -1 : 1;
  const Operand infinity = to.number(sign * std::numeric_limits<double>::infinity(), x.dtype);
  const Operand is_last = to.emit_as(at::kBool, "Equal", {x, infinity});
  const Operand rank = choose(to, is_nan(to, x), to.number(2, x.dtype),
                              choose(to, is_last, to.number(0, x.dtype), to.number(1, x.dtype)));
  const Operand highest = reduced(to, "ReduceMax", rank, over);
  const auto is = [&](int value) { return to.emit_as(at::kBool, "Equal", {highest, to.number(value, x.dtype)}); };
  const Operand nan = to.number(std::numeric_limits<double>::quiet_NaN(), x.dtype);
  to.result(choose(to, is(2), nan, choose(to, is(0), infinity, extremum)));
}

void any(Lowering& to, const Call& call, std::string_view) {
  const Operand truth = to.cast(to.operand(call, "self"), at::kBool);
  if (reduces_nothing(call)) return to.result(truth);
  to.result(negated(to, is_zero(to, count(to, truth, axes_of(call)))));
}

void cumsum(Lowering& to, const Call& call, std::string_view) {
  const auto [x, axis, is_scalar] = with_axis(to, call, computed(to, call, "self", to.output().dtype));
  to.result(without_axis(to, to.emit("CumSum", {x, to.integer(axis)}), is_scalar));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> reduction_conversions() {
  static constexpr Conversion table[] = {
      // ReduceSum, ReduceMean, ReduceProd over `dim`, or over everything.
      {"aten::mean", convert::reduce, "ReduceMean"},
      {"aten::mean.dim", convert::reduce, "ReduceMean"},
      {"aten::prod", convert::reduce, "ReduceProd"},
      {"aten::prod.dim_int", convert::reduce, "ReduceProd"},
      {"aten::sum.dim_IntList", convert::reduce, "ReduceSum"},
      {"aten::amax", convert::extremum_over, "ReduceMax"},
      {"aten::amin", convert::extremum_over, "ReduceMin"},
      {"aten::any", convert::any},
      {"aten::any.dim", convert::any},
      {"aten::any.dims", convert::any},
      {"aten::cumsum", convert::cumsum},
  };
  return table;
}

}  // namespace tracejet::onnx
