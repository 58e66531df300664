#include <ATen/TensorOperators.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

c10::IValue list(std::vector<int64_t> values) { return c10::IValue(std::move(values)); }
c10::IValue numbers(std::vector<double> values) { return c10::IValue(std::move(values)); }

at::Tensor channels_last(const at::Tensor& tensor) {
  return tensor.contiguous(tensor.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d);
}

std::vector<at::Tensor> sequences() {
  return {floats({2, 4, 6}), floats({1, 4, 6}), floats({2, 6, 4}).transpose(1, 2)};
}

std::vector<at::Tensor> images() {
  return {
      floats({2, 4, 5, 6}),
      floats({1, 4, 5, 6}),
      channels_last(floats({2, 4, 5, 6})),
      floats({6, 5, 4, 2}).permute({3, 2, 1, 0}),
      floats({2, 4, 5, 6}, at::kDouble),
  };
}

std::vector<at::Tensor> volumes() {
  return {floats({2, 4, 3, 5, 6}), channels_last(floats({2, 4, 3, 5, 6})),
          floats({6, 5, 3, 4, 2}).permute({4, 3, 2, 1, 0})};
}

/// The calls with and without corners that stay where they are.
template <typename Make>
Stacks aligned_or_not(Make make) {
  return join({make(false), make(true)});
}

Stacks nearest1d_vec() {
  return join({each(sequences(), {list({9}), none}), each(sequences(), {none, numbers({2.0})}),
               each(sequences(), {none, numbers({0.7})})});
}

Stacks nearest2d_vec() {
  return join({each(images(), {list({9, 4}), none}), each(images(), {none, numbers({2.0, 1.5})}),
               each(images(), {none, numbers({1.0 / 3, 0.29})})});
}

Stacks nearest3d_vec() {
  return join({each(volumes(), {list({6, 4, 6}), none}), each(volumes(), {none, numbers({2.0, 1.5, 0.5})})});
}

Stacks linear1d_vec() {
  return aligned_or_not([](bool aligned) {
    return join({each(sequences(), {list({9}), aligned, none}), each(sequences(), {none, aligned, numbers({1.5})})});
  });
}

Stacks linear2d_vec() {
  return aligned_or_not([](bool aligned) {
    return join({each(images(), {list({9, 4}), aligned, none}), each(images(), {none, aligned, numbers({2.0, 1.3})})});
  });
}

Stacks linear3d_vec() {
  return aligned_or_not([](bool aligned) {
    return join({each(volumes(), {list({6, 4, 6}), aligned, none}),
                 each(volumes(), {none, aligned, numbers({2.0, 1.5, 0.5})})});
  });
}

Stacks nearest1d() { return join({each(sequences(), {list({9}), none}), each(sequences(), {list({12}), 2.0})}); }

Stacks nearest2d() {
  return join({each(images(), {list({9, 4}), none, none}), each(images(), {list({10, 9}), 2.0, 1.5})});
}

Stacks nearest3d() { return each(volumes(), {list({6, 4, 6}), none, none, none}); }

Stacks linear1d() {
  return aligned_or_not([](bool aligned) { return each(sequences(), {list({9}), aligned, none}); });
}

Stacks linear2d() {
  return aligned_or_not([](bool aligned) { return each(images(), {list({9, 4}), aligned, none, none}); });
}

Stacks linear3d() {
  return aligned_or_not([](bool aligned) { return each(volumes(), {list({6, 4, 6}), aligned, none, none, none}); });
}

/// (input, grid, interpolation_mode, padding_mode, align_corners)
Stacks grid_sampler_2d() {
  const at::Tensor grid = floats({2, 3, 7, 2}) / 2;
  return {
      {floats({2, 4, 5, 6}), grid, 0, 0, false},
      {floats({2, 4, 5, 6}), grid, 1, 1, true},
      {channels_last(floats({2, 4, 5, 6})), grid, 2, 2, false},
  };
}

Stacks grid_sampler_3d() {
  return {
      {floats({2, 4, 3, 5, 6}), floats({2, 3, 7, 2, 3}) / 2, 0, 0, false},
      {channels_last(floats({2, 4, 3, 5, 6})), floats({2, 3, 7, 2, 3}) / 2, 1, 1, true},
  };
}

Stacks affine_grid() {
  return aligned_or_not([](bool aligned) {
    return Stacks{{floats({2, 2, 3}), list({2, 4, 5, 6}), aligned},
                  {floats({1, 2, 3}), list({1, 4, 1, 6}), aligned},
                  {floats({2, 3, 4}), list({2, 4, 3, 5, 6}), aligned},
                  {floats({2, 2, 3}, at::kDouble), list({2, 4, 5, 6}), aligned}};
  });
}

Stacks grid_sampler() { return join({grid_sampler_2d(), grid_sampler_3d()}); }

Stacks constant_pad() {
  std::vector<at::Tensor> tensors = images();
  for (const at::Tensor& volume : volumes()) tensors.push_back(volume);
  return join({
      each(tensors, {list({1, 2, 0, 3}), 0.5}),
      each(tensors, {list({-1, 2, 3, -2}), 0}),
      each(tensors, {list({-1, -2, 0, 0}), 0}),
      each(tensors, {list({0, 0}), 0}),
      each(tensors, {list({0, 0, 0, 0, 2, 1, 1, 0}), -1.0}),
      {{floats({5}), list({1, 1}), 0}, {integers({3, 4}), list({1, 1}), 2}, {floats({2, 3, 6}), list({0, 2, 1, 0}), 0}},
  });
}

Stacks pad1d() {
  return join(
      {each(sequences(), {list({2, 1})}), {{floats({4, 6}), list({3, 0})}, {floats({2, 4, 6}), list({-1, 2})}}});
}

Stacks pad2d() { return join({each(images(), {list({2, 1, 0, 3})}), {{floats({4, 5, 6}), list({1, 1, 1, 1})}}}); }

Stacks pad3d() {
  return join({each(volumes(), {list({2, 1, 0, 3, 1, 2})}), {{floats({4, 3, 5, 6}), list({1, 1, 1, 1, 1, 1})}}});
}

Stacks pad_circular() {
  return {
      {floats({2, 4, 6}), list({2, 1})},
      {floats({4, 6}), list({0, 3})},
      {floats({2, 4, 5, 6}), list({2, 1, 0, 3})},
      {floats({2, 4, 5, 6}), list({-1, 2, 1, -2})},
      {floats({2, 4, 3, 5, 6}), list({2, 1, 1, 1, 0, 2})},
  };
}

Stacks pixel_shuffle() {
  return {
      {floats({2, 8, 3, 5}), 2}, {channels_last(floats({2, 8, 3, 5})), 2},
      {floats({9, 3, 5}), 3},    {floats({2, 3, 4, 3, 5}), 2},
      {floats({1, 4, 3, 5}), 1},
  };
}

Stacks pixel_unshuffle() {
  return {
      {floats({2, 3, 4, 6}), 2}, {channels_last(floats({2, 3, 4, 6})), 2},
      {floats({2, 3, 6}), 3},    {floats({2, 3, 2, 4, 6}), 2},
      {floats({1, 0, 2, 2}), 2},
  };
}

Stacks channel_shuffle() {
  return {
      {floats({2, 6, 4, 5}), 3},
      {channels_last(floats({2, 6, 4, 5})), 2},
      {floats({2, 6, 4}), 2},
      {floats({1, 4, 3, 3, 2}), 2},
  };
}

/// (self, kernel_size, dilation, padding, stride)
Stacks im2col() {
  return {
      {floats({2, 3, 6, 7}), list({2, 2}), list({1, 1}), list({0, 0}), list({1, 1})},
      {floats({2, 3, 6, 7}), list({3, 2}), list({1, 2}), list({1, 2}), list({2, 1})},
      {channels_last(floats({2, 3, 6, 7})), list({2, 3}), list({2, 1}), list({0, 1}), list({1, 3})},
      {floats({3, 6, 7}), list({2, 2}), list({1, 1}), list({0, 0}), list({2, 2})},
  };
}

/// (self, output_size, kernel_size, dilation, padding, stride)
Stacks col2im() {
  return {
      {floats({2, 12, 20}), list({5, 6}), list({2, 2}), list({1, 1}), list({0, 0}), list({1, 1})},
      {floats({2, 18, 10}), list({4, 5}), list({3, 2}), list({1, 2}), list({1, 1}), list({2, 1})},
      {floats({12, 4}), list({4, 4}), list({2, 2}), list({1, 1}), list({0, 0}), list({2, 2})},
  };
}

/// (weight, indices, padding_idx, scale_grad_by_freq, sparse)
Stacks embedding() {
  const at::Tensor table = floats({10, 3});
  return {
      {table, integers({5}), -1, false, false},
      {table, integers({2, 4}), 0, false, false},
      {table, integers({4, 2}).t(), -1, false, false},
      {table, integers({1, 1, 3}), -1, false, false},
      {table, integers({}), -1, false, false},
      {table, integers({2, 4}, 7, at::kInt), -1, false, false},
      {floats({3, 10}).t(), integers({2, 4}), -1, false, false},
      {floats({10, 3}, at::kBFloat16), integers({2, 4}), -1, false, false},
      {table, integers({0, 4}), -1, false, false},
  };
}

/// (weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights, include_last_offset, padding_idx)
Stacks embedding_bag() {
  const at::Tensor table = floats({10, 3}), indices = integers({6});
  const at::Tensor starts = integers({3}, 1).add(2).cumsum(0).sub(2);
  Stacks calls;
  for (const int64_t mode : {0, 1, 2}) {
    calls.push_back({table, indices, starts, false, mode, false, none, false, -1});
    calls.push_back({table, indices, starts, false, mode, false, none, false, 2});
  }
  calls.push_back({table, indices, starts, false, 0, false, fractions({6}), false, -1});
  calls.push_back({table.to(at::kDouble), indices, starts, false, 0, false, none, false, -1});
  calls.push_back({table, indices, starts, false, 1, false, none, true, -1});
  return calls;
}

Stacks one_hot() {
  return {
      {integers({5}), 7},
      {integers({2, 3}), 9},
      {integers({}), 7},
  };
}

}  // namespace

std::span<const OperatorSamples> resampling_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::embedding", embedding},
      {"aten::_embedding_bag", embedding_bag},
      {"aten::_embedding_bag_forward_only", embedding_bag},
      {"aten::one_hot", one_hot},
      {"aten::upsample_nearest1d.vec", nearest1d_vec},
      {"aten::upsample_nearest2d.vec", nearest2d_vec},
      {"aten::upsample_nearest3d.vec", nearest3d_vec},
      {"aten::upsample_linear1d.vec", linear1d_vec},
      {"aten::upsample_bilinear2d.vec", linear2d_vec},
      {"aten::upsample_trilinear3d.vec", linear3d_vec},
      {"aten::upsample_bicubic2d.vec", linear2d_vec},
      {"aten::_upsample_nearest_exact1d.vec", nearest1d_vec},
      {"aten::_upsample_nearest_exact2d.vec", nearest2d_vec},
      {"aten::_upsample_nearest_exact3d.vec", nearest3d_vec},
      {"aten::_upsample_bilinear2d_aa.vec", linear2d_vec},
      {"aten::_upsample_bicubic2d_aa.vec", linear2d_vec},
      {"aten::upsample_nearest1d", nearest1d},
      {"aten::upsample_nearest2d", nearest2d},
      {"aten::upsample_nearest3d", nearest3d},
      {"aten::upsample_linear1d", linear1d},
      {"aten::upsample_bilinear2d", linear2d},
      {"aten::upsample_trilinear3d", linear3d},
      {"aten::upsample_bicubic2d", linear2d},
      {"aten::_upsample_nearest_exact1d", nearest1d},
      {"aten::_upsample_nearest_exact2d", nearest2d},
      {"aten::_upsample_nearest_exact3d", nearest3d},
      {"aten::_upsample_bilinear2d_aa", linear2d},
      {"aten::_upsample_bicubic2d_aa", linear2d},
      {"aten::grid_sampler", grid_sampler},
      {"aten::affine_grid_generator", affine_grid},
      {"aten::grid_sampler_2d", grid_sampler_2d},
      {"aten::grid_sampler_3d", grid_sampler_3d},
      {"aten::constant_pad_nd", constant_pad},
      {"aten::reflection_pad1d", pad1d},
      {"aten::reflection_pad2d", pad2d},
      {"aten::reflection_pad3d", pad3d},
      {"aten::replication_pad1d", pad1d},
      {"aten::replication_pad2d", pad2d},
      {"aten::replication_pad3d", pad3d},
      {"aten::_pad_circular", pad_circular},
      {"aten::pixel_shuffle", pixel_shuffle},
      {"aten::pixel_unshuffle", pixel_unshuffle},
      {"aten::channel_shuffle", channel_shuffle},
      {"aten::im2col", im2col},
      {"aten::col2im", col2im},
  };
  return table;
}

}  // namespace tracejet::samples
