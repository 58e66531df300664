#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

c10::IValue list(std::vector<int64_t> values) { return c10::IValue(std::move(values)); }

at::Tensor channels_last(const at::Tensor& tensor) {
  return tensor.contiguous(tensor.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d);
}

/// (input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)
Stacks forward() {
  const c10::IValue one = list({1, 1}), zero = list({0, 0});
  const at::Tensor image = floats({2, 4, 8, 9}), kernel = floats({6, 4, 3, 3});
  return {
      {image, kernel, floats({6}), one, zero, one, false, zero, 1},
      {image, kernel, none, list({2, 1}), list({1, 2}), list({2, 1}), false, zero, 1},
      {image, floats({6, 2, 3, 3}), floats({6}), one, one, one, false, zero, 2},
      {image, floats({4, 1, 3, 3}), floats({4}), list({2}), list({1}), list({1}), false, list({0}), 4},
      {image, floats({6, 4, 1, 1}), none, one, zero, one, false, zero, 1},
      {floats({1, 4, 8, 9}), kernel, none, one, zero, one, false, zero, 1},
      {channels_last(image), kernel, none, one, one, one, false, zero, 1},
      {image, channels_last(kernel), none, one, one, one, false, zero, 1},
      {channels_last(floats({1, 4, 8, 9})), channels_last(kernel), none, one, one, one, false, zero, 1},
      {floats({9, 8, 4, 2}).permute({3, 2, 1, 0}), kernel, none, one, one, one, false, zero, 1},
      {floats({0, 4, 8, 9}), channels_last(kernel), none, one, one, one, false, zero, 1},
      {channels_last(image.to(at::kDouble)), kernel.to(at::kDouble), none, one, one, one, false, zero, 1},
      {channels_last(image.to(at::kBFloat16)), kernel.to(at::kBFloat16), none, one, one, one, false, zero, 1},
  };
}

Stacks transposed() {
  const c10::IValue one = list({1, 1}), two = list({2, 2}), zero = list({0, 0});
  const at::Tensor image = floats({2, 4, 5, 6}), kernel = floats({4, 3, 3, 3});
  return {
      {image, kernel, floats({3}), one, zero, one, true, zero, 1},
      {image, kernel, none, two, one, one, true, one, 1},
      {image, kernel, floats({6}), two, one, two, true, one, 2},
      {channels_last(image), kernel, none, two, one, one, true, zero, 1},
      {image, channels_last(kernel), none, two, one, one, true, zero, 1},
      {image.to(at::kDouble), channels_last(kernel.to(at::kDouble)), none, two, one, one, true, zero, 1},
      {floats({2, 4, 5}), floats({4, 3, 3}), floats({3}), list({2}), list({1}), list({1}), true, list({1}), 1},
      {floats({2, 4, 3, 5, 6}), floats({4, 3, 2, 2, 2}), none, list({2, 2, 2}), list({0, 0, 0}), list({1, 1, 1}), true,
       list({0, 1, 0}), 1},
  };
}

/// Along one axis and in volumes, whose layouts depend on the backend that ATen chooses.
Stacks one_and_three_axes() {
  const c10::IValue one = list({1, 1, 1}), zero = list({0, 0, 0});
  const at::Tensor volume = floats({2, 4, 5, 6, 7}), kernel = floats({6, 4, 3, 3, 3});
  return {
      {floats({2, 4, 9}), floats({6, 4, 3}), floats({6}), list({2}), list({1}), list({1}), false, list({0}), 1},
      {floats({2, 9, 4}).transpose(1, 2), floats({4, 1, 3}), none, list({1}), list({2}), list({2}), false, list({0}),
       4},
      {floats({1, 4, 9}), floats({6, 4, 1}), none, list({1}), list({0}), list({1}), false, list({0}), 1},
      {volume, kernel, floats({6}), one, one, one, false, zero, 1},
      {channels_last(volume), kernel, none, one, one, one, false, zero, 1},
      {volume, channels_last(kernel), none, one, zero, list({2, 1, 1}), false, zero, 1},
      {channels_last(floats({1, 4, 5, 6, 7})), kernel, none, one, one, one, false, zero, 1},
      {channels_last(floats({1, 4, 5, 6, 7})), floats({6, 2, 3, 3, 3}), none, one, one, one, false, zero, 2},
      {channels_last(volume.to(at::kDouble)), kernel.to(at::kDouble), none, one, one, one, false, zero, 1},
      {channels_last(volume.to(at::kBFloat16)), kernel.to(at::kBFloat16), none, one, one, one, false, zero, 1},
      {channels_last(volume.to(at::kHalf)), kernel.to(at::kHalf), none, one, one, one, false, zero, 1},
  };
}

Stacks convolution() { return join({forward(), transposed(), one_and_three_axes()}); }

Stacks internal_convolution() {
  Stacks calls = join({forward(), transposed()});
  for (torch::jit::Stack& call : calls) call.insert(call.end(), {false, false, true, true});
  return calls;
}

Stacks conv_tbc() {
  return {
      {floats({7, 2, 4}), floats({3, 4, 5}), floats({5}), 0},
      {floats({7, 2, 4}), floats({3, 4, 5}), floats({5}), 2},
  };
}

}  // namespace

std::span<const OperatorSamples> convolution_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::convolution", convolution},
      {"aten::_convolution", internal_convolution},
      {"aten::conv_tbc", conv_tbc},
  };
  return table;
}

}  // namespace tracejet::samples
