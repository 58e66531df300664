// ONNX: Conv-11, ConvTranspose-11.
#include <algorithm>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"

namespace tracejet::onnx::convert {

namespace {

/// Cuts `amount` off both ends of each axis from `first` on, of which `sizes` are left.
Operand cropped(Lowering& to, Operand x, size_t first, const std::vector<int64_t>& amounts, c10::SymIntArrayRef sizes) {
  for (size_t i = 0; i < amounts.size(); ++i) {
    const c10::SymInt begin = amounts[i];
    x = to.slice(x, static_cast<int64_t>(first + i), to.size(begin), to.size(begin + sizes[first + i]));
  }
  return x;
}

/// An element of zeros behind each spatial axis that is empty, of which runtimes compute no size. `input`: of `x`,
/// whose spatial axes begin at `first`.
Operand without_empty_axes(Lowering& to, const Operand& x, const TensorMeta& input, size_t first) {
  const size_t spatial = input.sizes.size() - first, rank = spatial + 2;
  Sizes added(2 * rank, 0);
  bool adds = false;
  for (size_t i = 0; i < spatial; ++i) {
    const c10::SymInt& size = input.sizes[first + i];
    if (!may_be_empty(size)) continue;
    added[rank + 2 + i] = (1 - size).max(0);
    adds = true;
  }
  return adds ? surrounded(to, x, added, 0) : x;
}

void convolution(Lowering& to, const Call& call, std::string_view) {
  const TensorMeta& weight = call.tensor("weight");
  const auto spatial = static_cast<size_t>(weight.dim() - 2);
  const auto per_axis = [&](std::string_view name) { return static_sizes(to, call.sym_ints(name, spatial), name); };
  const bool is_transposed = call.flag("transposed");
  if (weight.sizes[is_transposed ? 0 : 1].maybe_as_int() == 0) to.fail("has no channels to sum over");
  const auto padding = per_axis("padding");
  auto pads = padding;
  pads.insert(pads.end(), pads.begin(), pads.end());
  const bool is_unbatched = call.tensor("input").dim() == weight.dim() - 1;
  const size_t first = is_unbatched ? 1 : 2;
  // Runtimes refuse to leave nothing of what they have computed.
  const bool is_cropped =
      is_transposed && std::ranges::any_of(c10::SymIntArrayRef(to.output().sizes).slice(first), may_be_empty);
  if (is_cropped) pads.assign(pads.size(), 0);
  Lowering::Attributes attributes{
      {"strides", per_axis("stride")},
      {"pads", pads},
      {"dilations", per_axis("dilation")},
      {"group", call.integer("groups")},
      {"kernel_shape", static_sizes(to, c10::SymIntArrayRef(weight.sizes).slice(2), "the kernel's size")},
  };
  if (is_transposed) attributes.push_back({"output_padding", per_axis("output_padding")});

  Operand x = to.operand(call, "input");
  if (is_unbatched) x = to.unsqueeze(x, {0});
  if (is_cropped) x = without_empty_axes(to, x, call.tensor("input"), first);
  std::vector<Operand> inputs{x, to.operand(call, "weight")};
  if (const Operand bias = to.optional(call, "bias"); !bias.name.empty()) inputs.push_back(bias);
  Operand result = to.emit(is_transposed ? "ConvTranspose" : "Conv", inputs, std::move(attributes));
  if (is_unbatched) result = to.squeeze(result, {0});
  to.result(is_cropped ? cropped(to, result, first, padding, to.output().sizes) : result);
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> convolution_conversions() {
  static constexpr Conversion table[] = {
      {"aten::convolution", convert::convolution},
  };
  return table;
}

}  // namespace tracejet::onnx
