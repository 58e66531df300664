#include <algorithm>

#include <ATen/ops/zeros.h>

#include "onnx/helpers.h"

namespace tracejet::onnx::convert {

namespace {

/// "max_pool2d_with_indices": the 2.
size_t spatial_axes(const Call& call) {
  const auto& name = call.op().operator_name().name;
  return static_cast<size_t>(name[name.find("pool") + 4] - '0');
}

struct Window {
  std::vector<int64_t> kernel;
  Lowering::Attributes attributes;
};

Window window(const Lowering& to, const Call& call, size_t axes) {
  const auto per_axis = [&](std::string_view name) { return static_sizes(to, call.sym_ints(name, axes), name); };
  const auto kernel = per_axis("kernel_size");
  const bool has_stride = !call.sym_ints("stride").empty();
  auto pads = per_axis("padding");
  pads.insert(pads.end(), pads.begin(), pads.end());
  return {kernel,
          {{"kernel_shape", kernel},
           {"strides", has_stride ? per_axis("stride") : kernel},
           {"pads", pads},
           {"ceil_mode", int64_t{call.flag("ceil_mode")}}}};
}

/// ONNX's pooling has a batch axis always, ATen's only sometimes.
struct Batched {
  Operand operand;
  bool is_added;
};

Batched batched(Lowering& to, const Call& call, size_t axes) {
  const Operand x = to.operand(call, "self");
  const bool is_added = call.tensor("self").dim() == static_cast<int64_t>(axes) + 1;
  return {is_added ? to.unsqueeze(x, {0}) : x, is_added};
}

Operand unbatched(Lowering& to, const Operand& x, bool was_added) { return was_added ? to.squeeze(x, {0}) : x; }

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

}  // namespace

void max_pool(Lowering& to, const Call& call, std::string_view) {
  const size_t axes = spatial_axes(call);
  const auto [x, is_added] = batched(to, call, axes);
  auto [kernel, attributes] = window(to, call, axes);
  attributes.push_back({"dilations", static_sizes(to, call.sym_ints("dilation", axes), "dilation")});
  const bool wants_indices = to.output_count() > 1 && to.is_used(1);
  const std::vector<at::ScalarType> dtypes = wants_indices ? std::vector{x.dtype, at::kLong} : std::vector{x.dtype};
  const auto results = to.emit_many(dtypes, "MaxPool", {x}, attributes);
  to.result(unbatched(to, results[0], is_added));
  if (to.output_count() == 1) return;
  if (!wants_indices) return to.no_result("");
  // ONNX counts through the whole tensor, ATen within each channel.
  c10::SymInt plane = 1;
  const auto& sizes = call.tensor("self").sizes;
  for (size_t i = 0; i < axes; ++i) plane *= sizes[sizes.size() - 1 - i];
  to.result(unbatched(to, to.emit("Mod", {results[1], to.number(plane, at::kLong)}), is_added));
}

void avg_pool(Lowering& to, const Call& call, std::string_view) {
  const size_t axes = spatial_axes(call);
  const auto [x, is_added] = batched(to, call, axes);
  auto [kernel, attributes] = window(to, call, axes);
  const bool has_divisor = call.declares("divisor_override") && call.has("divisor_override");
  attributes.push_back({"count_include_pad", int64_t{has_divisor || call.flag("count_include_pad")}});
  if (has_divisor && call.flag("ceil_mode")) to.fail("has ceil_mode and a divisor of its own");
  Operand result = to.emit("AveragePool", {x}, std::move(attributes));
  if (has_divisor) {
    double factor = 1.0 / call.number("divisor_override");
    for (const int64_t size : kernel) factor *= static_cast<double>(size);
    result = to.emit("Mul", {result, to.number(factor, x.dtype)});
  }
  to.result(unbatched(to, result, is_added));
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
  const auto [x, is_added] = batched(to, call, target.size());
  to.result(unbatched(to, to.emit("MaxPool", {x}, {{"kernel_shape", kernel}, {"strides", kernel}}), is_added));
  to.no_result("gives indices");
}

}  // namespace tracejet::onnx::convert
