// ONNX: MaxPool-12, AveragePool-19, ReduceMean-18.
#include <algorithm>
#include <limits>

#include <ATen/ops/zeros.h>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"

namespace tracejet::onnx::convert {

namespace {

/// "max_pool2d_with_indices": the 2.
size_t spatial_axes(const Call& call) {
  const auto& name = call.op().operator_name().name;
  return static_cast<size_t>(name[name.find("pool") + 4] - '0');
}

/// Where the windows lie. ceil_mode is said as padding behind the last element that the last window needs: runtimes
/// disagree on how many windows there are where it is left to them, and fail where the tensor is smaller than one.
struct Window {
  std::vector<int64_t> kernel;
  std::vector<int64_t> padding;  ///< on both sides
  Sizes behind;                  ///< what is padded behind each axis
  Lowering::Attributes attributes;

  bool is_static() const {
    return std::ranges::all_of(behind, [](const auto& size) { return size.maybe_as_int().has_value(); });
  }
  bool is_symmetric() const {
    return std::ranges::equal(behind, padding, [](const auto& a, int64_t b) { return a.maybe_as_int() == b; });
  }
};

Window window(const Lowering& to, const Call& call, size_t axes) {
  const auto per_axis = [&](std::string_view name) { return static_sizes(to, call.sym_ints(name, axes), name); };
  Window result{per_axis("kernel_size"), per_axis("padding"), {}, {}};
  const auto strides = call.sym_ints("stride").empty() ? result.kernel : per_axis("stride");
  const auto dilation = call.declares("dilation") ? per_axis("dilation") : std::vector<int64_t>(axes, 1);
  const auto& sizes = call.tensor("self").sizes;
  const auto& windows = to.output().sizes;
  for (size_t i = 0; i < axes; ++i) {
    c10::SymInt behind = result.padding[i];
    if (call.flag("ceil_mode")) {
      const c10::SymInt last = (windows[windows.size() - axes + i] - 1) * strides[i] - result.padding[i];
      const c10::SymInt end = last + dilation[i] * (result.kernel[i] - 1) + 1;
      behind = behind.max(end - sizes[sizes.size() - axes + i]);
    }
    result.behind.push_back(behind);
  }
  result.attributes = {{"kernel_shape", result.kernel}, {"strides", strides}};
  if (call.declares("dilation")) result.attributes.push_back({"dilations", dilation});
  return result;
}

/// The padding as an attribute of the pooling.
Attribute pads_of(const Window& window) {
  std::vector<int64_t> pads = window.padding;
  for (const c10::SymInt& size : window.behind) pads.push_back(*size.maybe_as_int());
  return {"pads", pads};
}

/// The padding as a node of its own, of a tensor with a batch and a channel.
Operand padded(Lowering& to, const Operand& x, c10::SymIntArrayRef before, c10::SymIntArrayRef behind, double value) {
  Sizes pads{0, 0};
  pads.append(before.begin(), before.end());
  pads.append({0, 0});
  pads.append(behind.begin(), behind.end());
  return surrounded(to, x, pads, value);
}

Operand padded(Lowering& to, const Operand& x, const Window& window, double value) {
  const Sizes before(window.padding.begin(), window.padding.end());
  return padded(to, x, before, window.behind, value);
}

/// Positions in a padded plane as those in the plane itself.
Operand unpadded_positions(Lowering& to, const Operand& positions, const Window& window, c10::SymIntArrayRef plane) {
  Operand rest = positions;
  Operand result;
  c10::SymInt step = 1;
  for (size_t i = plane.size(); i-- > 0;) {
    const Operand length = to.number(plane[i] + window.padding[i] + window.behind[i], at::kLong);
    const Operand here = to.emit("Sub", {to.emit("Mod", {rest, length}), to.integer(window.padding[i])});
    const Operand part = to.emit("Mul", {here, to.number(step, at::kLong)});
    result = result.name.empty() ? part : to.emit("Add", {result, part});
    rest = to.emit("Div", {rest, length});
    step = step * plane[i];
  }
  return result;
}

/// ONNX's pooling has a batch axis always, ATen's only sometimes.
struct Batched {
  Operand operand;
  bool is_added;
  c10::SymInt batch;
};

Batched batched(Lowering& to, const Call& call, size_t axes) {
  const auto& sizes = call.tensor("self").sizes;
  const bool is_added = sizes.size() == axes + 1;
  const c10::SymInt batch = is_added ? c10::SymInt(1) : sizes[0];
  const c10::SymInt& channels = sizes[is_added ? 0 : 1];
  if (may_be_empty(channels)) to.require(symbolic::less_equal(1, expression_of(channels)), "pools no channels");
  Operand x = to.operand(call, "self");
  if (is_added) x = to.unsqueeze(x, {0});
  if (may_be_empty(batch)) {
    // Runtimes refuse to pool nothing: there is one, which is cut off.
    Sizes pads(2 * (axes + 2), 0);
    pads[axes + 2] = (1 - batch).max(0);
    x = surrounded(to, x, pads, 0);
  }
  return {x, is_added, batch};
}

Operand unbatched(Lowering& to, Operand x, const Batched& input) {
  if (may_be_empty(input.batch)) x = to.slice(x, 0, to.integers({0}), to.size(input.batch));
  return input.is_added ? to.squeeze(x, {0}) : x;
}

/// 1 where an element counts in an average, 0 where it doesn't, as far as the windows reach.
Operand counted(Lowering& to, const Call& call, const Window& window, at::ScalarType dtype) {
  const auto& sizes = call.tensor("self").sizes;
  const size_t axes = window.kernel.size();
  const bool counts_padding = call.flag("count_include_pad");
  Sizes ones{1, 1};
  Sizes before;
  Sizes behind;
  for (size_t i = 0; i < axes; ++i) {
    const int64_t inside = counts_padding ? window.padding[i] : 0;
    ones.push_back(sizes[sizes.size() - axes + i] + 2 * inside);
    before.push_back(window.padding[i] - inside);
    behind.push_back(window.behind[i] - inside);
  }
  return padded(to, to.expand(to.number(1, dtype), {}, ones), before, behind, 0);
}

/// A matrix whose rows average the windows of adaptive pooling along one axis.
at::Tensor averaging_matrix(int64_t from, int64_t into) {
  const at::Tensor matrix = at::zeros({into, from}, at::TensorOptions(at::kFloat));
  auto* values = matrix.mutable_data_ptr<float>();
  for (int64_t row = 0; row < into; ++row) {
    const int64_t begin = row * from / into;
    const int64_t end = ((row + 1) * from + into - 1) / into;
    for (int64_t column = begin; column < end; ++column) {
      values[row * from + column] = 1.0F / static_cast<float>(end - begin);
    }
  }
  return matrix;
}

void max_pool(Lowering& to, const Call& call, std::string_view) {
  const size_t axes = spatial_axes(call);
  const Batched input = batched(to, call, axes);
  const Window windows = window(to, call, axes);
  auto attributes = windows.attributes;
  const bool is_static = windows.is_static();
  const Operand x =
      is_static ? input.operand : padded(to, input.operand, windows, -std::numeric_limits<double>::infinity());
  if (is_static) attributes.push_back(pads_of(windows));
  const bool wants_indices = to.output_count() > 1 && to.is_used(1);
  const std::vector<at::ScalarType> dtypes = wants_indices ? std::vector{x.dtype, at::kLong} : std::vector{x.dtype};
  const auto results = to.emit_many(dtypes, "MaxPool", {x}, attributes);
  to.result(unbatched(to, results[0], input));
  if (to.output_count() == 1) return;
  if (!wants_indices) return to.no_result("");
  // ONNX counts through the whole tensor, ATen within each channel.
  const auto& sizes = call.tensor("self").sizes;
  const c10::SymIntArrayRef plane = c10::SymIntArrayRef(sizes).slice(sizes.size() - axes);
  c10::SymInt elements = 1;
  for (size_t i = 0; i < axes; ++i)
    elements *= is_static ? plane[i] : plane[i] + windows.padding[i] + windows.behind[i];
  Operand index = to.emit("Mod", {results[1], to.number(elements, at::kLong)});
  if (!is_static) index = unpadded_positions(to, index, windows, plane);
  to.result(unbatched(to, index, input));
}

void avg_pool(Lowering& to, const Call& call, std::string_view) {
  const size_t axes = spatial_axes(call);
  const Batched input = batched(to, call, axes);
  const Operand& x = input.operand;
  const Window windows = window(to, call, axes);
  auto attributes = windows.attributes;
  const bool has_divisor = call.declares("divisor_override") && call.has("divisor_override");
  const auto average = [&](const Operand& of) {
    auto whole = attributes;
    whole.push_back({"count_include_pad", int64_t{1}});
    return to.emit("AveragePool", {of}, std::move(whole));
  };
  Operand result;
  if (windows.is_symmetric()) {
    attributes.push_back(pads_of(windows));
    attributes.push_back({"count_include_pad", int64_t{has_divisor || call.flag("count_include_pad")}});
    result = to.emit("AveragePool", {x}, attributes);
  } else {
    result = average(padded(to, x, windows, 0));
    // What the last windows reach beyond the padding doesn't count, nor does the padding itself where it isn't to.
    if (!has_divisor) result = to.emit("Div", {result, average(counted(to, call, windows, x.dtype))});
  }
  if (has_divisor) {
    double factor = 1.0 / call.number("divisor_override");
    for (const int64_t size : windows.kernel) factor *= static_cast<double>(size);
    result = to.emit("Mul", {result, to.number(factor, x.dtype)});
  }
  to.result(unbatched(to, result, input));
}

void adaptive_avg_pool(Lowering& to, const Call& call, std::string_view) {
  const auto target = static_sizes(to, call.sym_ints("output_size"), "output_size");
  const auto axes = static_cast<int64_t>(target.size());
  const TensorMeta& meta = call.tensor("self");
  Operand x = to.operand(call, "self");
  if (std::ranges::all_of(target, [](int64_t size) { return size == 1; })) {
    return to.result(
        to.emit("ReduceMean", {x, to.integers(axes_from(meta.dim() - axes, axes))}, {{"keepdims", int64_t{1}}}));
  }
  const auto spatial = c10::SymIntArrayRef(meta.sizes).slice(static_cast<size_t>(meta.dim() - axes));
  const auto sizes = static_sizes(to, spatial, "an axis that adaptive pooling divides");
  for (int64_t i = 0; i < axes; ++i) {
    // One axis after the other, each moved to the end for the product: every window is averaged on its own.
    const int64_t from = sizes[static_cast<size_t>(i)];
    const int64_t into = target[static_cast<size_t>(i)];
    if (from == into) continue;
    auto order = axes_from(0, meta.dim());
    std::swap(order[static_cast<size_t>(meta.dim() - axes + i)], order.back());
    const Operand matrix = to.cast(to.constant(averaging_matrix(from, into).t()), x.dtype);
    x = to.transpose(to.emit("MatMul", {to.transpose(x, order), matrix}), order);
  }
  to.result(x);
}

void adaptive_max_pool(Lowering& to, const Call& call, std::string_view) {
  const auto target = static_sizes(to, call.sym_ints("output_size"), "output_size");
  const TensorMeta& meta = call.tensor("self");
  const auto first = static_cast<size_t>(meta.dim()) - target.size();
  const auto sizes =
      static_sizes(to, c10::SymIntArrayRef(meta.sizes).slice(first), "an axis that adaptive pooling divides");
  std::vector<int64_t> kernel;
  for (size_t i = 0; i < target.size(); ++i) {
    if (sizes[i] % target[i] != 0) to.fail("divides an axis into windows of unequal sizes");
    kernel.push_back(sizes[i] / target[i]);
  }
  const Batched input = batched(to, call, target.size());
  const Operand pooled = to.emit("MaxPool", {input.operand}, {{"kernel_shape", kernel}, {"strides", kernel}});
  to.result(unbatched(to, pooled, input));
  to.no_result("gives indices");
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> pooling_conversions() {
  static constexpr Conversion table[] = {
      {"aten::max_pool2d_with_indices", convert::max_pool},
      {"aten::max_pool3d_with_indices", convert::max_pool},
      {"aten::avg_pool2d", convert::avg_pool},
      {"aten::avg_pool3d", convert::avg_pool},
      {"aten::_adaptive_avg_pool2d", convert::adaptive_avg_pool},
      {"aten::_adaptive_avg_pool3d", convert::adaptive_avg_pool},
      {"aten::adaptive_max_pool2d", convert::adaptive_max_pool},
      {"aten::adaptive_max_pool3d", convert::adaptive_max_pool},
  };
  return table;
}

}  // namespace tracejet::onnx
