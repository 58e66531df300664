// Convolution, in one, two and three spatial axes, transposed or not.
// PyTorch: aten/src/ATen/native/Convolution.cpp, aten/src/ATen/native/ConvUtils.h (conv_output_size, conv_input_size),
// torch/_meta_registrations.py (meta_conv, calc_conv_nd_return_shape), aten/src/ATen/native/ConvolutionTBC.cpp
// (conv_tbc).
#include <algorithm>

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "ops/convolution/decompositions.h"
#include "ops/families.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"
#include "ops/shape/window.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

/// ATen computes the convolution of a single small float32 volume without oneDNN, and thereby row-major.
bool is_small_volume(const TensorMeta& input, const TensorMeta& weight, int64_t groups) {
  const auto batch = input.sizes[0].maybe_as_int();
  if (input.dtype != at::kFloat || groups > 1 || !batch || *batch != 1) return false;
  const auto kernel_height = weight.sizes[3].maybe_as_int(), kernel_width = weight.sizes[4].maybe_as_int();
  if (kernel_height && kernel_width && *kernel_height > 3 && *kernel_width > 3) return false;
  const auto elements = (input.sizes[1] * input.sizes[2] * input.sizes[3]).maybe_as_int();
  return elements && *elements <= 20480;
}

/// What ATen says of this processor.
bool says(const char* name) {
  const c10::impl::ExcludeDispatchKeyGuard without_trace{c10::DispatchKeySet(c10::DispatchKeySet::FULL)};
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<bool()>().call();
}

/// Whether a backend that keeps the layout convolves volumes: on CPUs it is oneDNN, which has 16 bits where the
/// processor does.
bool has_volumes(const TensorMeta& input) {
  if (input.dtype == at::kDouble) return false;
  if (!input.device.is_cpu()) return true;
  static const bool has_bfloat16 = says("mkldnn::_is_mkldnn_bf16_supported");
  static const bool has_half = says("mkldnn::_is_mkldnn_fp16_supported");
  return input.dtype == at::kBFloat16 ? has_bfloat16 : input.dtype == at::kHalf ? has_half : true;
}

/// Channels last if input or weight is, in two and three spatial axes: the way of ATen's CPU backends.
shape::SuggestedFormat output_format(const TensorMeta& input, const TensorMeta& weight, int64_t groups) {
  const shape::SuggestedFormat row_major{c10::MemoryFormat::Contiguous, false};
  if (shape::known_equal(input.numel(), 0)) return row_major;
  const auto by_input = shape::suggested_format(input), by_weight = shape::suggested_format(weight);
  const bool one_does = by_input.format != row_major.format || by_weight.format != row_major.format;
  const bool may_differ = by_input.may_differ || by_weight.may_differ;
  if (input.dim() == 4) return {one_does ? c10::MemoryFormat::ChannelsLast : row_major.format, may_differ};
  const bool volumetric = input.dim() == 5 && has_volumes(input) && !is_small_volume(input, weight, groups);
  if (!volumetric) return row_major;
  return {one_does ? c10::MemoryFormat::ChannelsLast3d : row_major.format, may_differ};
}

void require_operands(const TensorMeta& input, const TensorMeta& weight) {
  require(weight.dim() >= 3 && input.dim() == weight.dim(), [&] {
    return "input is " + shape::text(input.sizes) + ", weight is " + shape::text(weight.sizes) +
           ", expected [N, C, ...] and [out, in, ...] with as many axes, at least 3";
  });
  require(input.dtype == weight.dtype, [&] {
    return std::string("input is ") + at::toString(input.dtype) + ", weight is " + at::toString(weight.dtype) +
           ", expected the same dtype";
  });
  require(weight.sizes[0].sym_ge(1),
          [&] { return "weight is " + shape::text(weight.sizes) + ", expected at least one element on axis 0"; });
}

void require_channels(const Call& call, const c10::SymInt& channels, const c10::SymInt& expected) {
  require_equal_sizes(channels, expected, [&] {
    return "input is " + shape::text(call.tensor("input").sizes) + " with " + shape::text({channels}) +
           " channels, weight is " + shape::text(call.tensor("weight").sizes) + ", which needs " +
           shape::text({expected});
  });
}

void require_bias(const Call& call, const c10::SymInt& channels) {
  const TensorMeta* bias = call.optional_tensor("bias");
  if (bias == nullptr) return;
  const auto message = [&] {
    return "bias is " + shape::text(bias->sizes) + ", expected one value for each of the " + shape::text({channels}) +
           " output channels";
  };
  if (bias->dim() != 1) refuse(message());
  require_equal_sizes(bias->sizes[0], channels, message);
}

/// Whether a transposed convolution may leave nothing: so says oneDNN, which ATen prefers for float32 in batches and
/// groups. Its own kernels refuse it, and for points the number of threads decides which it is.
c10::SymBool may_leave_nothing(const Call& call) {
  const TensorMeta &input = call.tensor("input"), &weight = call.tensor("weight");
  const c10::SymBool is_empty = input.sizes[0].sym_eq(0).sym_or(input.sizes[1].sym_eq(0));
  const auto are_one = [](c10::SymIntArrayRef sizes) {
    return std::ranges::all_of(sizes, [](const c10::SymInt& size) { return size.maybe_as_int() == 1; });
  };
  const auto spatial = static_cast<size_t>(input.dim() - 2);
  const bool is_point = are_one(c10::SymIntArrayRef(weight.sizes).slice(2)) &&
                        are_one(call.sym_ints("stride", spatial)) && are_one(call.sym_ints("dilation", spatial));
  if (input.dtype != at::kFloat || is_point) return is_empty;
  if (call.sym_int("groups").maybe_as_int() != 1) return is_empty.sym_or(input.sizes[0].sym_ge(1));
  return is_empty.sym_or(input.sizes[0].sym_ge(2));
}

Metas convolution(const Call& call) {
  const TensorMeta &input = call.tensor("input"), &weight = call.tensor("weight");
  require_operands(input, weight);
  const auto spatial = static_cast<size_t>(input.dim() - 2);
  const bool transposed = call.flag("transposed");
  const c10::SymInt groups = call.sym_int("groups");
  const Sizes stride = call.sym_ints("stride", spatial), padding = call.sym_ints("padding", spatial),
              dilation = call.sym_ints("dilation", spatial), extra = call.sym_ints("output_padding", spatial);
  for (size_t i = 0; i < spatial; ++i) {
    const c10::SymBool is_empty_otherwise = input.sizes[0].sym_eq(0).sym_or(input.sizes[1].sym_eq(0));
    require(is_empty_otherwise.sym_or(input.sizes[i + 2].sym_ge(1)), [&] {
      return "input is " + shape::text(input.sizes) + ", of which only the batch or the channels may be empty";
    });
  }
  require_channels(call, input.sizes[1], transposed ? weight.sizes[0] : weight.sizes[1] * groups);

  Sizes sizes{input.sizes[0], transposed ? weight.sizes[1] * groups : weight.sizes[0]};
  require_bias(call, sizes[1]);
  // ATen leaves no channels of none, whatever the weight says.
  if (shape::known_equal(input.sizes[1], 0)) sizes[1] = 0;
  const c10::SymBool may_be_none = transposed ? may_leave_nothing(call) : c10::SymBool(false);
  for (size_t i = 0; i < spatial; ++i) {
    const window::Axis axis{weight.sizes[i + 2], stride[i], padding[i], dilation[i]};
    const c10::SymInt& size = input.sizes[i + 2];
    sizes.push_back(transposed ? window::covered(size, axis) + extra[i] : window::count(size, axis));
    require(sizes.back().sym_ge(1).sym_or(may_be_none.sym_and(sizes.back().sym_eq(0))), [&] {
      return "input is " + shape::text(input.sizes) + ", too small for weight " + shape::text(weight.sizes) +
             " on spatial axis " + std::to_string(i);
    });
  }
  const int64_t many = 2;  // what isn't known is more than one
  const auto format = output_format(input, weight, groups.maybe_as_int().value_or(many));
  return {shape::in_format(std::move(sizes), format, input.dtype, input.device)};
}

/// [time, batch, channels], with a weight of [time, in, out].
Metas conv_tbc(const Call& call) {
  const TensorMeta &self = call.tensor("self"), &weight = call.tensor("weight");
  require(self.dim() == 3 && weight.dim() == 3, [&] {
    return "self is " + shape::text(self.sizes) + ", weight is " + shape::text(weight.sizes) + ", expected 3 axes";
  });
  const c10::SymInt time = self.sizes[0] + call.sym_int("pad") * 2 - weight.sizes[0] + 1;
  return {shape::contiguous({time, self.sizes[1], weight.sizes[2]}, self.dtype, self.device)};
}

}  // namespace

std::span<const Operator> convolution_operators() {
  static constexpr Operator table[] = {
      {.name = "aten::convolution", .meta = convolution},
      {.name = "aten::_convolution", .meta = convolution, .decompose = expand<&decompositions::internal_convolution>},
      {.name = "aten::conv_tbc", .meta = conv_tbc},
  };
  return table;
}

}  // namespace tracejet
