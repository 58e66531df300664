// Which element is the greatest, and in which order all of them are: NaN is beyond anything, and of equal elements the
// first comes first.
// ONNX: ArgMax-13, ArgMin-13, TopK-11, ReduceMax-20, ReduceMin-20, CumSum-14.

#include <algorithm>
#include <cstdint>
#include <limits>

#include "ir/size_expression.h"
#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"
#include "symbolic/expression.h"

namespace tracejet::onnx::convert {

namespace {

/// Floats count as far as this without a gap.
constexpr int64_t kExactFloats = int64_t{1} << 24;
/// Rows up to this length have pairs of (group, place) that fit into int32.
constexpr int64_t kLongestRow = 46340;

c10::SymInt length_along(const Call& call, int64_t axis) {
  const TensorMeta& meta = call.tensor("self");
  return meta.dim() == 0 ? c10::SymInt(1) : meta.sizes[static_cast<size_t>(axis)];
}

bool is_at_most(const c10::SymInt& size, int64_t limit) { return expression_of(size).range().max <= limit; }

/// 0, 1, 2, … along `axis`, of as many axes as lie from there to the last.
Operand places(Lowering& to, const c10::SymInt& count, int64_t axis, int64_t rank, at::ScalarType dtype) {
  const Operand range = to.emit("Range", {to.integer(0), to.number(count, at::kLong), to.integer(1)});
  return to.unsqueeze(to.cast(range, dtype), axes_from(1, rank - axis - 1));
}

struct Extremum {
  Operand value, index;
};

/// Whether the runtime compares such elements as they are.
bool compares_exactly(const Lowering& to, const Call& call) {
  return !is_integer(call.tensor("self").dtype) || to.is_exact(to.range(call, "self"));
}

/// `which`: "Max" or "Min". The axis is kept, as 1. The index is right in any case.
Extremum extremum_along(Lowering& to, std::string_view which, const Operand& x, int64_t axis, int64_t rank,
                        const c10::SymInt& length, bool is_exact) {
  require_elements(to, length);
  const Lowering::Attributes keep{{"keepdims", int64_t{1}}};
  const Operand axes = to.integers({axis});
  const std::string reduce = "Reduce" + std::string(which);
  const Operand value = is_exact ? to.emit(reduce, {x, axes}, keep) : extremum_by_halves(to, reduce, x, {axis}, true);
  if (!is_float(x.dtype)) {
    return {value, to.emit_as(at::kLong, "Arg" + std::string(which), {x}, {{"axis", axis}, {"keepdims", int64_t{1}}})};
  }
  // The least place of one that equals the extremum; places of NaN are counted from -length, and so are less. Where
  // none does, all are infinite: runtimes begin to compare at the greatest finite number.
  const auto dtype = is_at_most(length, kExactFloats) ? at::kFloat : at::kLong;
  const Operand count = to.number(length, dtype);
  const Operand place = places(to, length, axis, rank, dtype);
  const Operand is_it = to.emit_as(at::kBool, "Equal", {x, value});
  const Operand candidate = choose(to, is_nan(to, x), to.emit("Sub", {place, count}), choose(to, is_it, place, count));
  const Operand first = to.emit("ReduceMin", {candidate, axes}, keep);
  const Operand has_nan = to.emit_as(at::kBool, "Less", {first, to.number(0, dtype)});
  const Operand has_none = to.emit_as(at::kBool, "Equal", {first, count});
  const Operand nan = to.number(std::numeric_limits<double>::quiet_NaN(), x.dtype);
  const double end = std::numeric_limits<double>::infinity();
  const Operand infinity = to.number(which == "Max" ? -end : end, x.dtype);
  const Operand index =
      choose(to, has_nan, to.emit("Add", {first, count}), choose(to, has_none, to.number(0, dtype), first));
  return {choose(to, has_nan, nan, choose(to, has_none, infinity, value)), to.cast(index, at::kLong)};
}

struct Row {
  Operand values;  ///< of the original dtype, or of its number where it is bool
  int64_t axis, rank;
  c10::SymInt length;
  bool is_scalar;
};

Row row_of(Lowering& to, const Call& call) {
  Operand self = to.operand(call, "self");
  self = to.cast(self, as_number(self.dtype));
  const auto [x, axis, is_scalar] = with_axis(to, call, self);
  return {x, axis, std::max<int64_t>(call.tensor("self").dim(), 1), length_along(call, axis), is_scalar};
}

bool confuses_nan(const Lowering& to, const Operand& x) { return is_float(x.dtype) && !to.target().keeps_nan; }

struct Ordered {
  Operand values, indices;
};

/// Where NaN confuses the runtime, it is taken for infinity, beside which it belongs.
Ordered top(Lowering& to, const Row& row, const c10::SymInt& count, bool largest, bool in_order) {
  Operand x = row.values;
  if (confuses_nan(to, x)) {
    x = choose(to, is_nan(to, x), to.number(std::numeric_limits<double>::infinity(), x.dtype), x);
  }
  // Of a row with elements, runtimes may refuse to find none.
  const bool may_be_none = expression_of(count) != expression_of(row.length) && expression_of(count).range().min < 1;
  const c10::SymInt found = may_be_none ? count.max(row.length.min(1)) : count;
  const auto results = to.emit_many({x.dtype, at::kLong}, "TopK", {x, to.size(found)},
                                    {{"axis", row.axis}, {"largest", int64_t{largest}}, {"sorted", int64_t{in_order}}});
  const auto cut = [&](const Operand& all) {
    return may_be_none ? to.slice(all, row.axis, to.integers({0}), to.size(count)) : all;
  };
  return {cut(results[0]), cut(results[1])};
}

Operand gathered(Lowering& to, const Row& row, const Operand& indices) {
  return to.gather_elements(row.values, indices, row.axis);
}

/// Puts equal elements of a sorted row back into the order they came in: elements are numbered by groups of equals, and
/// (group, place), of which no two are equal, is sorted once more.
Operand in_order_of_places(Lowering& to, const Row& row, const Ordered& sorted, bool descending) {
  const auto dtype = at::kInt;
  const Operand axis = to.integer(row.axis);
  const Operand place = to.emit("Range", {to.integer(0), to.number(row.length, at::kLong), to.integer(1)});
  const Operand before = to.emit("Max", {to.emit("Sub", {place, to.integer(1)}), to.integer(0)});
  const Operand previous = to.emit("Gather", {sorted.values, before}, {{"axis", row.axis}});
  const bool is_plain = is_float(row.values.dtype) || to.target().exact_integers;
  const Operand is_same =
      is_plain ? to.emit_as(at::kBool, "Equal", {sorted.values, previous}) : equal(to, sorted.values, previous);
  Operand group = to.emit("CumSum", {to.cast(negated(to, is_same), dtype), axis});
  if (confuses_nan(to, row.values)) {
    // NaN and infinity are one group so far: that of NaN comes after, or where the greatest come first, before.
    const Operand nan = is_nan(to, gathered(to, row, sorted.indices));
    group = to.emit("Add", {group, to.cast(descending ? negated(to, nan) : nan, dtype)});
  }
  const Operand length = to.number(row.length, dtype);
  const Operand pair = to.emit("Add", {to.emit("Mul", {group, length}), to.cast(sorted.indices, dtype)});
  const auto pairs = to.emit_many({dtype, at::kLong}, "TopK", {pair, to.size(row.length)},
                                  {{"axis", row.axis}, {"largest", int64_t{0}}, {"sorted", int64_t{1}}});
  return to.gather_elements(sorted.indices, pairs[1], row.axis);
}

void arg_extremum(Lowering& to, const Call& call, std::string_view target) {
  const TensorMeta& meta = call.tensor("self");
  if (call.has("dim") && meta.dim() > 0) {
    const Row row = row_of(to, call);
    const Operand index = extremum_along(to, target, row.values, row.axis, row.rank, row.length, true).index;
    return to.result(call.flag("keepdim") ? index : to.squeeze(index, {row.axis}));
  }
  Operand x = to.operand(call, "self");
  x = to.emit("Reshape", {to.cast(x, as_number(x.dtype)), to.integers({-1})});
  const Operand index = extremum_along(to, target, x, 0, 1, meta.numel(), true).index;
  to.result(to.reshape(index, {1}, to.output().sizes));  // all ones, where the axes are kept
}

void extremum_with_index(Lowering& to, const Call& call, std::string_view target) {
  const Row row = row_of(to, call);
  const auto [value, index] =
      extremum_along(to, target, row.values, row.axis, row.rank, row.length, compares_exactly(to, call));
  const bool keep = !row.is_scalar && call.flag("keepdim");
  to.result(keep ? value : to.squeeze(value, {row.axis}));
  to.result(keep ? index : to.squeeze(index, {row.axis}));
}

void topk(Lowering& to, const Call& call, std::string_view) {
  const Row row = row_of(to, call);
  const Ordered found = top(to, row, call.sym_int("k"), call.flag("largest"), call.flag("sorted"));
  const bool is_gathered = confuses_nan(to, row.values);
  to.result(without_axis(to, is_gathered ? gathered(to, row, found.indices) : found.values, row.is_scalar));
  to.result(without_axis(to, found.indices, row.is_scalar));
}

void sort(Lowering& to, const Call& call, std::string_view) {
  const Row row = row_of(to, call);
  const bool descending = call.flag("descending");
  Ordered found = top(to, row, row.length, descending, true);
  const bool order_shows = to.is_used(1) || confuses_nan(to, row.values);
  if (!to.target().sorts_stably && order_shows && is_at_most(row.length, kLongestRow)) {
    found.indices = in_order_of_places(to, row, found, descending);
  }
  if (confuses_nan(to, row.values)) found.values = gathered(to, row, found.indices);
  to.result(without_axis(to, found.values, row.is_scalar));
  to.result(without_axis(to, found.indices, row.is_scalar));
}

/// How many elements of each row are NaN.
Operand count_of_nan(Lowering& to, const Row& row) {
  return to.emit("ReduceSum", {to.cast(is_nan(to, row.values), at::kInt), to.integers({row.axis})},
                 {{"keepdims", int64_t{1}}});
}

Operand nan_where(Lowering& to, const Operand& condition, const Operand& otherwise) {
  return choose(to, condition, to.number(std::numeric_limits<double>::quiet_NaN(), otherwise.dtype), otherwise);
}

/// The element that has `place` others before it, in a row that isn't empty; NaN comes last.
Operand at_place(Lowering& to, const Row& row, const c10::SymInt& place) {
  const Ordered first = top(to, row, place + 1, /*largest=*/false, /*in_order=*/true);
  const Operand value = to.emit("Gather", {first.values, to.position(place)}, {{"axis", row.axis}});
  if (!confuses_nan(to, row.values)) return value;
  // Of NaN and infinity, which are one here, those behind the numbers are NaN.
  const Operand behind = to.number(row.length - place, at::kInt);
  const Operand enough = to.emit("Add", {count_of_nan(to, row), to.number(1, at::kInt)});
  return nan_where(to, to.emit_as(at::kBool, "Less", {behind, enough}), value);
}

/// Where equals lie is left open by PyTorch, too, so that nobody can give its index.
void no_index(Lowering& to) {
  if (to.output_count() > 1)
    to.no_result("gives the index of one of several equal elements, which PyTorch leaves open");
}

void kth_value(Lowering& to, const Call& call, std::string_view) {
  const Row row = row_of(to, call);
  const Operand value = at_place(to, row, call.sym_int("k") - 1);
  to.result(!row.is_scalar && call.flag("keepdim") ? value : to.squeeze(value, {row.axis}));
  no_index(to);
}

/// The lower of the two in the middle; NaN where there is any.
Operand median_of(Lowering& to, const Row& row) {
  require_elements(to, row.length);
  const Operand middle = at_place(to, row, (row.length - 1) / 2);
  if (!is_float(row.values.dtype)) return middle;
  return nan_where(to, to.emit_as(at::kBool, "Less", {to.number(0, at::kInt), count_of_nan(to, row)}), middle);
}

void median_along(Lowering& to, const Call& call, std::string_view) {
  const Row row = row_of(to, call);
  const Operand value = median_of(to, row);
  to.result(!row.is_scalar && call.flag("keepdim") ? value : to.squeeze(value, {row.axis}));
  no_index(to);
}

void median(Lowering& to, const Call& call, std::string_view) {
  Operand x = to.operand(call, "self");
  const c10::SymInt length = call.tensor("self").numel();
  if (may_be_empty(length)) to.fail("may have no elements, whose median is NaN");
  x = to.emit("Reshape", {to.cast(x, as_number(x.dtype)), to.integers({-1})});
  to.result(to.squeeze(median_of(to, {x, 0, 1, length, false}), {0}));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> order_conversions() {
  static constexpr Conversion table[] = {
      {"aten::argmax", convert::arg_extremum, "Max"},
      {"aten::argmin", convert::arg_extremum, "Min"},
      {"aten::max.dim", convert::extremum_with_index, "Max"},
      {"aten::min.dim", convert::extremum_with_index, "Min"},
      {"aten::kthvalue", convert::kth_value},
      {"aten::median", convert::median},
      {"aten::median.dim", convert::median_along},
      {"aten::topk", convert::topk},
      {"aten::sort", convert::sort},
      {"aten::sort.stable", convert::sort},
  };
  return table;
}

}  // namespace tracejet::onnx
