// ONNX: Reshape-19, Concat-13, Slice-13, Split-18, Pad-19, DepthToSpace-13.
#include <algorithm>
#include <limits>

#include <ATen/ops/add.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/unsqueeze.h>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"
#include "symbolic/sym_node.h"

namespace tracejet::onnx::convert {

namespace {

int64_t rank_of(const Call& call) { return call.tensor("self").dim(); }

Operand picked(Lowering& to, const Operand& x, const Operand& index, int64_t axis) {
  return to.emit("Gather", {x, index}, {{"axis", axis}});
}

Operand concatenated(Lowering& to, const std::vector<Operand>& parts, int64_t axis) {
  return parts.size() == 1 ? parts.front() : to.emit("Concat", parts, {{"axis", axis}});
}

/// torch.cat leaves out tensors of shape [0], whatever the rank of the others.
bool is_legacy_empty(const TensorMeta& meta) { return meta.dim() == 1 && meta.sizes[0].maybe_as_int() == 0; }

void identity(Lowering& to, const Call& call, std::string_view) { to.result(to.operand(call, "self")); }

void reshape(Lowering& to, const Call& call, std::string_view) {
  to.result(to.reshape(to.operand(call, "self"), call.tensor("self").sizes, to.output().sizes));
}

void expand(Lowering& to, const Call& call, std::string_view) {
  to.result(to.expand(to.operand(call, "self"), call.tensor("self").sizes, to.output().sizes));
}

void permute(Lowering& to, const Call& call, std::string_view) {
  to.result(to.transpose(to.operand(call, "self"), call.axes("dims", rank_of(call))));
}

void unsqueeze(Lowering& to, const Call& call, std::string_view) {
  to.result(to.unsqueeze(to.operand(call, "self"), {call.axis("dim", rank_of(call) + 1)}));
}

void squeeze(Lowering& to, const Call& call, std::string_view) {
  const TensorMeta& meta = call.tensor("self");
  const auto asked = call.declares("dim") ? call.axes("dim", meta.dim()) : axes_from(0, meta.dim());
  std::vector<int64_t> axes;
  for (const int64_t axis : asked) {
    if (axis < meta.dim() && meta.sizes[static_cast<size_t>(axis)].maybe_as_int() == 1) axes.push_back(axis);
  }
  to.result(to.squeeze(to.operand(call, "self"), axes));
}

void cat(Lowering& to, const Call& call, std::string_view) {
  const bool all_flat = to.output().dim() == 1;
  std::vector<Operand> parts;
  for (const Value* part : call.values("tensors")) {
    if (!all_flat && is_legacy_empty(part->tensor())) continue;
    parts.push_back(to.cast(to.operand(*part), to.output().dtype));
  }
  to.result(concatenated(to, parts, call.axis("dim", to.output().dim())));
}

void slice(Lowering& to, const Call& call, std::string_view) {
  const auto rank = rank_of(call);
  const int64_t axis = call.axis("dim", rank);
  const auto start = call.optional_sym_int("start").value_or(0);
  const auto end = call.optional_sym_int("end").value_or(std::numeric_limits<int64_t>::max());
  const auto step = call.integer("step");
  const Operand x = to.operand(call, "self");
  const auto& size = call.tensor("self").sizes[static_cast<size_t>(axis)];
  const bool is_whole = start.maybe_as_int() == 0 && step == 1 &&
                        expression_of(size) == expression_of(to.output().sizes[static_cast<size_t>(axis)]);
  to.result(is_whole ? x : to.slice(x, axis, to.position(start), to.position(end), step));
}

void select(Lowering& to, const Call& call, std::string_view) {
  const Operand index = to.number(call.sym_int("index"), at::kLong);
  to.result(picked(to, to.operand(call, "self"), index, call.axis("dim", rank_of(call))));
}

void split(Lowering& to, const Call& call, std::string_view) {
  const Operand x = to.operand(call, "self");
  const int64_t axis = call.axis("dim", rank_of(call));
  const size_t count = to.output_count();
  if (count == 1) return to.result(x);
  std::vector<c10::SymInt> sizes;
  for (size_t i = 0; i < count; ++i) sizes.push_back(to.output(i).sizes[static_cast<size_t>(axis)]);
  const std::vector<at::ScalarType> dtypes(count, x.dtype);
  for (const Operand& part : to.emit_many(dtypes, "Split", {x, to.sizes(sizes)}, {{"axis", axis}})) to.result(part);
}

void flip(Lowering& to, const Call& call, std::string_view) {
  const auto axes = call.axes("dims", rank_of(call));
  const Operand x = to.operand(call, "self");
  if (axes.empty() || rank_of(call) == 0) return to.result(x);
  const std::vector<int64_t> last(axes.size(), -1);
  const std::vector<int64_t> before_first(axes.size(), std::numeric_limits<int64_t>::min());
  to.result(to.emit("Slice", {x, to.integers(last), to.integers(before_first), to.integers(axes), to.integers(last)}));
}

/// Behind its first and before its last element, an axis must have as many as are mirrored.
void require_mirror(Lowering& to, const c10::SymInt& size, const c10::SymInt& before, const c10::SymInt& after) {
  for (const c10::SymInt& mirrored : {before, after}) {
    to.require(symbolic::less_equal(expression_of(mirrored) + 1, expression_of(size)),
               "mirrors as many elements as the axis has, or more");
  }
}

void repeat(Lowering& to, const Call& call, std::string_view) {
  const auto repeats = call.sym_ints("repeats");
  const auto added = static_cast<int64_t>(repeats.size()) - rank_of(call);
  const Operand x = to.unsqueeze(to.operand(call, "self"), axes_from(0, added));
  const bool changes = !std::ranges::all_of(repeats, [](const auto& count) { return count.maybe_as_int() == 1; });
  if (!changes) return to.result(x);
  // Nothing may be repeated less than never.
  std::vector<c10::SymInt> counts;
  for (const c10::SymInt& count : repeats) counts.push_back(count.max(0));
  to.result(to.tile(x, counts));
}

/// OpenVINO wants more elements than are mirrored on each axis, on one without mirrors too: to a batch that may be
/// empty one is added, which is cut off.
Operand mirrored(Lowering& to, Operand x, const c10::SymInt& batch, const Sizes& pads, std::string_view mode) {
  const bool may_be_none = mode == "reflect" && may_be_empty(batch);
  if (may_be_none) {
    Sizes one(pads.size(), 0);
    one[pads.size() / 2] = (1 - batch).max(0);
    x = surrounded(to, x, one, 0);
  }
  x = to.emit("Pad", {x, to.numbers(pads)}, {{"mode", std::string(mode)}});
  return may_be_none ? to.slice(x, 0, to.integers({0}), to.size(batch)) : x;
}

void pad(Lowering& to, const Call& call, std::string_view mode) {
  // ATen: pairs from the last axis on. ONNX: all beginnings, then all ends.
  const auto pairs = call.sym_ints(call.declares("pad") ? "pad" : "padding");
  const auto rank = static_cast<size_t>(rank_of(call));
  Sizes pads(2 * rank, 0);
  for (size_t i = 0; i < pairs.size() / 2; ++i) {
    pads[rank - 1 - i] = pairs[2 * i];
    pads[2 * rank - 1 - i] = pairs[2 * i + 1];
    if (mode == "reflect") require_mirror(to, call.tensor("self").sizes[rank - 1 - i], pairs[2 * i], pairs[2 * i + 1]);
  }
  const Operand x = to.operand(call, "self");
  const Operand number = to.cast(x, as_number(x.dtype));
  if (mode != "constant") {
    const c10::SymInt batch = pairs.size() / 2 < rank - 1 ? call.tensor("self").sizes[0] : c10::SymInt(1);
    return to.result(mirrored(to, number, batch, pads, mode));
  }
  const c10::Scalar value = call.scalar("value");
  const bool is_plain = !is_integer(number.dtype) || value.isSymbolic() ||
                        (to.is_exact(to.range(call, "self")) && to.is_exact(to.range(call, "value")));
  if (is_plain) return to.result(surrounded(to, number, pads, value));
  const int64_t low = value.toLong() & 65535;
  to.result(by_halves(to, number, [&](const Operand& half, bool is_high) {
    return surrounded(to, half, pads, is_high ? (value.toLong() - low) / 65536 : low);
  }));
}

void pixel_shuffle(Lowering& to, const Call& call, std::string_view) {
  if (rank_of(call) != 4) to.fail("takes only tensors with 4 axes in ONNX");
  const Lowering::Attributes attributes{{"blocksize", call.integer("upscale_factor")}, {"mode", std::string("CRD")}};
  to.result(to.emit("DepthToSpace", {to.operand(call, "self")}, attributes));
}

void pixel_unshuffle(Lowering& to, const Call& call, std::string_view) {
  const TensorMeta& meta = call.tensor("self");
  if (symbolic::is_known_empty(meta.sizes)) return to.result(to.emit("Identity", {to.operand(call, "self")}));
  const int64_t factor = call.integer("downscale_factor");
  const auto leading = static_cast<size_t>(meta.dim() - 2);
  const auto& sizes = to.output().sizes;
  Sizes split(meta.sizes.begin(), meta.sizes.begin() + static_cast<std::ptrdiff_t>(leading));
  split.append({sizes[leading], c10::SymInt(factor), sizes[leading + 1], c10::SymInt(factor)});
  auto order = axes_from(0, meta.dim() + 2);
  const auto rows = order.begin() + static_cast<std::ptrdiff_t>(leading);
  std::rotate(rows, rows + 1, rows + 2);      // rows, f, columns, f -> f, rows, columns, f
  std::rotate(rows + 1, rows + 3, rows + 4);  // -> f, f, rows, columns
  const Operand moved = to.transpose(to.reshape(to.operand(call, "self"), meta.sizes, split), order);
  Sizes turned;
  for (const int64_t axis : order) turned.push_back(split[static_cast<size_t>(axis)]);
  to.result(to.reshape(moved, turned, sizes));
}

void diagonal(Lowering& to, const Call& call, std::string_view) {
  // The two axes become one; element i of it lies at (i + first_row) * columns + first_column + i.
  const TensorMeta& meta = call.tensor("self");
  const auto rank = meta.dim();
  const auto rows_axis = call.axis("dim1", rank);
  const auto columns_axis = call.axis("dim2", rank);
  std::vector<int64_t> order;
  std::vector<c10::SymInt> flat;
  for (int64_t axis = 0; axis < rank; ++axis) {
    if (axis == rows_axis || axis == columns_axis) continue;
    order.push_back(axis);
    flat.push_back(meta.sizes[static_cast<size_t>(axis)]);
  }
  order.push_back(rows_axis);
  order.push_back(columns_axis);
  const c10::SymInt rows = meta.sizes[static_cast<size_t>(rows_axis)];
  const c10::SymInt columns = meta.sizes[static_cast<size_t>(columns_axis)];
  flat.push_back(rows * columns);
  const int64_t offset = call.integer("offset");
  const c10::SymInt first = offset >= 0 ? c10::SymInt(offset) : columns * -offset;
  const c10::SymInt end = first + to.output().sizes.back() * (columns + 1);
  const Operand positions =
      to.emit("Range", {to.number(first, at::kLong), to.number(end, at::kLong), to.number(columns + 1, at::kLong)});
  const Operand x = to.transpose(to.operand(call, "self"), order);
  std::vector<c10::SymInt> moved;
  for (const int64_t axis : order) moved.push_back(meta.sizes[static_cast<size_t>(axis)]);
  to.result(picked(to, to.reshape(x, moved, flat), positions, rank - 2));
}

void as_strided(Lowering& to, const Call& call, std::string_view) {
  // In a graph without views, memory is what the metadata says: elements are picked by their place in it.
  const TensorMeta& meta = call.tensor("self");
  const auto is_same = [](const auto& a, const auto& b) { return expression_of(a) == expression_of(b); };
  if (!std::ranges::equal(meta.strides, contiguous_strides(meta.sizes), is_same))
    to.fail("of a tensor that isn't dense");
  const auto sizes = static_sizes(to, call.sym_ints("size"), "the size of as_strided");
  const auto strides = static_sizes(to, call.sym_ints("stride"), "a stride");
  const auto offset = call.optional_sym_int("storage_offset").value_or(meta.storage_offset) - meta.storage_offset;
  at::Tensor places = at::scalar_tensor(static_sizes(to, {offset}, "an offset")[0], at::kLong);
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    places = at::add(places.unsqueeze(-1), at::mul(at::arange(sizes[axis], at::kLong), at::Scalar(strides[axis])));
  }
  const Operand flat = to.reshape(to.operand(call, "self"), meta.sizes, {meta.numel()});
  to.result(picked(to, flat, to.constant(places), 0));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> views_conversions() {
  static constexpr Conversion table[] = {
      // The operand as it is: clone, alias, detach, contiguous.
      {"aten::clone", convert::identity},
      // view, reshape and all that keeps the order of the elements: to the sizes of the result.
      {"aten::reshape", convert::reshape},
      {"aten::view", convert::reshape},
      {"aten::expand", convert::expand},
      {"aten::permute", convert::permute},
      {"aten::unsqueeze", convert::unsqueeze},
      {"aten::squeeze", convert::squeeze},
      {"aten::squeeze.dim", convert::squeeze},
      {"aten::squeeze.dims", convert::squeeze},
      {"aten::cat", convert::cat},
      {"aten::slice.Tensor", convert::slice},
      {"aten::select.int", convert::select},
      {"aten::split_with_sizes", convert::split},
      {"aten::flip", convert::flip},
      {"aten::repeat", convert::repeat},
      // constant, reflect, edge, wrap
      {"aten::constant_pad_nd", convert::pad, "constant"},
      {"aten::reflection_pad1d", convert::pad, "reflect"},
      {"aten::reflection_pad2d", convert::pad, "reflect"},
      {"aten::reflection_pad3d", convert::pad, "reflect"},
      {"aten::replication_pad1d", convert::pad, "edge"},
      {"aten::replication_pad2d", convert::pad, "edge"},
      {"aten::replication_pad3d", convert::pad, "edge"},
      {"aten::pixel_shuffle", convert::pixel_shuffle},
      {"aten::pixel_unshuffle", convert::pixel_unshuffle},
      {"aten::diagonal", convert::diagonal},
      {"aten::as_strided", convert::as_strided},
  };
  return table;
}

}  // namespace tracejet::onnx
