#include "onnx/helpers.h"

namespace tracejet::onnx::convert {

void convolution(Lowering& to, const Call& call, std::string_view) {
  const TensorMeta& weight = call.tensor("weight");
  const auto spatial = static_cast<size_t>(weight.dim() - 2);
  const auto per_axis = [&](std::string_view name) { return static_sizes(to, call.sym_ints(name, spatial), name); };
  const bool is_transposed = call.flag("transposed");
  auto pads = per_axis("padding");
  pads.insert(pads.end(), pads.begin(), pads.end());
  Lowering::Attributes attributes{
      {"strides", per_axis("stride")},
      {"pads", pads},
      {"dilations", per_axis("dilation")},
      {"group", call.integer("groups")},
      {"kernel_shape", static_sizes(to, c10::SymIntArrayRef(weight.sizes).slice(2), "the kernel's size")},
  };
  if (is_transposed) attributes.push_back({"output_padding", per_axis("output_padding")});

  const bool is_unbatched = call.tensor("input").dim() == weight.dim() - 1;
  Operand x = to.operand(call, "input");
  if (is_unbatched) x = to.unsqueeze(x, {0});
  std::vector<Operand> inputs{x, to.operand(call, "weight")};
  if (const Operand bias = to.optional(call, "bias"); !bias.name.empty()) inputs.push_back(bias);
  const Operand result = to.emit(is_transposed ? "ConvTranspose" : "Conv", inputs, std::move(attributes));
  to.result(is_unbatched ? to.squeeze(result, {0}) : result);
}

}  // namespace tracejet::onnx::convert
