// ONNX: Gather-13, GatherElements-13, GatherND-13, ScatterElements-18, ScatterND-18, NonZero-13.
#include <algorithm>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"

namespace tracejet::onnx::convert {

namespace {

/// Indices from the end, which Scatter and GatherND of some runtimes don't take, counted from the front.
Operand not_negative(Lowering& to, const Operand& index, const c10::SymInt& size) {
  const Operand is_negative = to.emit_as(at::kBool, "Less", {index, to.integer(0)});
  return to.emit_as(at::kLong, "Where", {is_negative, to.emit("Add", {index, to.number(size, at::kLong)}), index});
}

struct AxisIndex {
  int64_t axis;   // of self
  Operand index;  // int64, counted from the front
  c10::SymIntArrayRef sizes;
};

/// The tensors of x[i, :, j]: integers by axis. A mask stands for the places where it is true, which is one index less
/// or more than axes: only a single mask is taken, see masked().
std::vector<AxisIndex> integer_indices(Lowering& to, const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const auto indices = call.values("indices");
  std::vector<AxisIndex> found;
  for (size_t axis = 0; axis < indices.size(); ++axis) {
    if (indices[axis] == nullptr) continue;
    const TensorMeta& meta = indices[axis]->tensor();
    if (meta.dtype == at::kBool || meta.dtype == at::kByte) to.fail("mixes masks and indices");
    const Operand from_either_end = to.index(*indices[axis], self.sizes[axis], /*from_end=*/true);
    const Operand index = not_negative(to, from_either_end, self.sizes[axis]);
    found.push_back({static_cast<int64_t>(axis), index, meta.sizes});
  }
  return found;
}

/// The mask of x[mask], where it is the only index and starts at the first axis.
const Value* only_mask(const Call& call) {
  const auto indices = call.values("indices");
  if (indices.empty() || indices[0] == nullptr || indices[0]->tensor().dtype != at::kBool) return nullptr;
  const bool is_only =
      std::all_of(indices.begin() + 1, indices.end(), [](const Value* index) { return index == nullptr; });
  return is_only ? indices[0] : nullptr;
}

/// Positions of the true elements, [count, rank].
Operand positions(Lowering& to, const Operand& mask) {
  return to.transpose(to.emit_as(at::kLong, "NonZero", {mask}), {1, 0});
}

/// The indices side by side: [..., number of indices], broadcast to a common shape.
Operand joined(Lowering& to, const std::vector<AxisIndex>& indices, c10::SymIntArrayRef common) {
  std::vector<Operand> columns;
  for (const auto& [axis, index, sizes] : indices) {
    columns.push_back(to.unsqueeze(to.expand(index, sizes, common), {static_cast<int64_t>(common.size())}));
  }
  if (columns.size() == 1) return columns.front();
  return to.emit("Concat", columns, {{"axis", static_cast<int64_t>(common.size())}});
}

bool same(const c10::SymInt& a, const c10::SymInt& b) { return expression_of(a) == expression_of(b); }

/// The shape that the indices have together.
Sizes common_sizes(const std::vector<AxisIndex>& indices) {
  Sizes common;
  for (const auto& index : indices) {
    const auto& sizes = index.sizes;
    if (sizes.size() > common.size()) common.insert(common.begin(), sizes.size() - common.size(), c10::SymInt(1));
    for (size_t i = 0; i < sizes.size(); ++i) {
      c10::SymInt& size = common[common.size() - sizes.size() + i];
      if (size.maybe_as_int() == 1) size = sizes[i];
    }
  }
  return common;
}

/// Indexed axes first, the others in their order behind.
std::vector<int64_t> indexed_first(const std::vector<AxisIndex>& indices, int64_t rank) {
  std::vector<int64_t> order;
  for (const auto& index : indices) order.push_back(index.axis);
  for (int64_t axis = 0; axis < rank; ++axis) {
    if (std::ranges::find(order, axis) == order.end()) order.push_back(axis);
  }
  return order;
}

std::vector<int64_t> inverse(const std::vector<int64_t>& order) {
  std::vector<int64_t> result(order.size());
  for (size_t i = 0; i < order.size(); ++i) result[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  return result;
}

bool are_adjacent(const std::vector<AxisIndex>& indices) {
  return indices.back().axis - indices.front().axis + 1 == static_cast<int64_t>(indices.size());
}

/// Whether an index may have more elements along an axis than what it walks through. Only one without elements may,
/// which reaches nothing.
bool may_exceed(c10::SymIntArrayRef index, size_t axis, const c10::SymInt& walked) {
  bool may_be_none = false;
  for (size_t other = 0; other < index.size(); ++other) may_be_none |= other != axis && may_be_empty(index[other]);
  return may_be_none && symbolic::less_equal(expression_of(index[axis]), expression_of(walked)).range().min != 1;
}

void gather(Lowering& to, const Call& call, std::string_view) {
  const auto rank = call.tensor("self").dim();
  Operand x = to.operand(call, "self");
  if (rank == 0) return to.result(to.expand(x, {}, to.output().sizes));
  const int64_t axis = call.axis("dim", rank);
  const auto& sizes = call.tensor("self").sizes;
  Operand index = to.index(call.value("index"), sizes[axis], /*from_end=*/false);
  const auto& wanted = call.tensor("index").sizes;
  Sizes reached = wanted;
  for (size_t i = 0; i < sizes.size(); ++i) {
    // ATen reads only as much of the other axes as index has; ONNX wants them equal.
    if (static_cast<int64_t>(i) == axis || same(sizes[i], wanted[i])) continue;
    x = to.slice(x, static_cast<int64_t>(i), to.size(0), to.size(wanted[i]));
    if (!may_exceed(wanted, i, sizes[i])) continue;
    index = to.slice(index, static_cast<int64_t>(i), to.size(0), to.size(sizes[i]));
    reached[i] = wanted[i].min(sizes[i]);
  }
  to.result(to.reshape(to.gather_elements(x, index, axis), reached, wanted));
}

void index_select(Lowering& to, const Call& call, std::string_view) {
  const auto rank = call.tensor("self").dim();
  const Operand x = to.operand(call, "self");
  if (rank == 0) return to.result(x);
  const int64_t axis = call.axis("dim", rank);
  const Operand index = to.index(call.value("index"), call.tensor("self").sizes[axis], /*from_end=*/false);
  const Operand result = to.emit("Gather", {x, index}, {{"axis", axis}});
  to.result(call.tensor("index").dim() == 0 ? to.unsqueeze(result, {axis}) : result);
}

void index(Lowering& to, const Call& call, std::string_view) {
  const TensorMeta& self = call.tensor("self");
  const Operand x = to.operand(call, "self");
  if (const Value* mask = only_mask(call)) return to.result(to.emit("GatherND", {x, positions(to, to.operand(*mask))}));
  const auto indices = integer_indices(to, call);
  if (indices.empty()) return to.result(x);
  if (indices.size() == 1) return to.result(to.emit("Gather", {x, indices[0].index}, {{"axis", indices[0].axis}}));

  const Sizes common = common_sizes(indices);
  const Operand front = to.transpose(x, indexed_first(indices, self.dim()));
  const Operand gathered = to.emit("GatherND", {front, joined(to, indices, common)});
  if (!are_adjacent(indices)) return to.result(gathered);
  // Adjacent indices: their axes go where the first of them was.
  const auto before = indices.front().axis;
  const auto width = static_cast<int64_t>(common.size());
  auto order = axes_from(width, before);
  const auto moved = axes_from(0, width);
  order.insert(order.end(), moved.begin(), moved.end());
  const auto rest = axes_from(width + before, to.output().dim() - width - before);
  order.insert(order.end(), rest.begin(), rest.end());
  to.result(to.transpose(gathered, order));
}

void index_put(Lowering& to, const Call& call, std::string_view) {
  const TensorMeta& self = call.tensor("self");
  const TensorMeta& values = call.tensor("values");
  const bool accumulate = call.declares("accumulate") && call.flag("accumulate");
  const auto dtype = self.dtype;
  const Operand x = accumulate ? computed(to, call, "self", dtype) : to.operand(call, "self");
  const Operand update = accumulate ? computed(to, call, "values", dtype) : to.operand(call, "values", dtype);
  if (const Value* mask = only_mask(call)) {
    if (values.numel().maybe_as_int() != 1) to.fail("writes values of data-dependent number through a mask");
    Operand condition = to.operand(*mask);
    const auto masked = mask->tensor().dim();
    condition = to.unsqueeze(condition, axes_from(masked, self.dim() - masked));
    const Operand one = to.reshape(update, values.sizes, {});
    return to.result(to.emit_as(x.dtype, "Where", {condition, accumulate ? to.emit("Add", {x, one}) : one, x}));
  }
  const auto indices = integer_indices(to, call);
  if (indices.empty()) to.fail("has no index");
  const Sizes common = common_sizes(indices);
  const auto order = indexed_first(indices, self.dim());
  // The values' shape: that of the indices in place of the indexed axes, at the front or where adjacent indices were.
  const auto width = static_cast<int64_t>(common.size());
  const bool adjacent = are_adjacent(indices);
  const auto before = adjacent ? indices.front().axis : 0;
  Sizes target;
  std::vector<c10::SymInt> others;
  for (size_t i = indices.size(); i < order.size(); ++i) others.push_back(self.sizes[static_cast<size_t>(order[i])]);
  target.append(others.begin(), others.begin() + before);
  target.append(common.begin(), common.end());
  target.append(others.begin() + before, others.end());
  auto to_front = axes_from(before, width);
  const auto first = axes_from(0, before);
  to_front.insert(to_front.end(), first.begin(), first.end());
  const auto rest = axes_from(before + width, static_cast<int64_t>(target.size()) - before - width);
  to_front.insert(to_front.end(), rest.begin(), rest.end());

  Lowering::Attributes attributes;
  if (accumulate) attributes.push_back({"reduction", std::string("add")});
  const Operand written = to.emit("ScatterND",
                                  {to.transpose(x, order), joined(to, indices, common),
                                   to.transpose(to.expand(update, values.sizes, target), to_front)},
                                  std::move(attributes));
  to.result(to.transpose(written, inverse(order)));
}

void scatter(Lowering& to, const Call& call, std::string_view reduction) {
  const TensorMeta& self = call.tensor("self");
  if (self.dim() == 0) to.fail("has no axis");
  const bool adds = reduction != "none";
  const Operand x = adds ? computed(to, call, "self", self.dtype) : to.operand(call, "self");
  const TensorMeta& index_meta = call.tensor("index");
  const int64_t axis = call.axis("dim", self.dim());
  Operand index = to.index(call.value("index"), self.sizes[axis], /*from_end=*/false);
  Sizes reached = index_meta.sizes;
  const auto limit = [&](const TensorMeta& walked, int64_t but_along) {
    for (size_t i = 0; i < reached.size(); ++i) {
      if (static_cast<int64_t>(i) == but_along || !may_exceed(index_meta.sizes, i, walked.sizes[i])) continue;
      index = to.slice(index, static_cast<int64_t>(i), to.size(0), to.size(walked.sizes[i]));
      reached[i] = reached[i].min(walked.sizes[i]);
    }
  };
  limit(self, axis);
  Operand update;
  if (call.declares("value")) {
    update = to.expand(to.number(call.scalar("value"), x.dtype), {}, reached);
  } else {
    update = adds ? computed(to, call, "src", self.dtype) : to.operand(call, "src", x.dtype);
    const TensorMeta& source = call.tensor("src");
    limit(source, /*but_along=*/-1);
    for (size_t i = 0; i < reached.size(); ++i) {
      // ATen reads only as much of src as index has; ONNX wants both of one shape.
      if (same(source.sizes[i], reached[i])) continue;
      update = to.slice(update, static_cast<int64_t>(i), to.size(0), to.size(reached[i]));
    }
  }
  Lowering::Attributes attributes{{"axis", axis}};
  if (reduction != "none") attributes.push_back({"reduction", std::string(reduction)});
  to.result(to.emit("ScatterElements", {x, index, update}, std::move(attributes)));
}

void scatter_reduce(Lowering& to, const Call& call, std::string_view) {
  const auto reduce = call.text("reduce");
  if (!call.flag("include_self")) to.fail("leaves out the values that are there already");
  if (reduce == "mean") to.fail("takes the mean, which ONNX's scatter can't");
  const std::string_view reduction = reduce == "sum"    ? "add"
                                     : reduce == "prod" ? "mul"
                                     : reduce == "amax" ? "max"
                                                        : "min";
  scatter(to, call, reduction);
}

void nonzero(Lowering& to, const Call& call, std::string_view) {
  const Operand x = to.operand(call, "self");
  if (call.tensor("self").dim() == 0) to.fail("has no axis");
  to.result(positions(to, to.cast(x, at::kBool)));
}

void item(Lowering& to, const Call& call, std::string_view) {
  to.result(to.reshape(to.operand(call, "self"), call.tensor("self").sizes, {}));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> indexing_conversions() {
  static constexpr Conversion table[] = {
      {"aten::gather", convert::gather},
      {"aten::index_select", convert::index_select},
      {"aten::index.Tensor", convert::index},
      {"aten::index_put", convert::index_put},
      {"aten::scatter.src", convert::scatter, "none"},
      {"aten::scatter.value", convert::scatter, "none"},
      {"aten::scatter_add", convert::scatter, "add"},
      {"aten::scatter_reduce.two", convert::scatter_reduce},
      {"aten::nonzero", convert::nonzero},
      // A tensor with one element as a number.
      {"aten::_local_scalar_dense", convert::item},
  };
  return table;
}

}  // namespace tracejet::onnx
