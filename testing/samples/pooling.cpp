#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

c10::IValue list(std::vector<int64_t> values) { return c10::IValue(std::move(values)); }

std::vector<at::Tensor> images() {
  return {
      floats({2, 4, 7, 9}),
      floats({1, 4, 7, 9}),
      floats({4, 7, 9}),
      floats({2, 4, 7, 9}).contiguous(at::MemoryFormat::ChannelsLast),
      floats({9, 7, 4, 2}).permute({3, 2, 1, 0}),
      floats({2, 4, 7, 9}, at::kDouble),
      floats({2, 4, 7, 9}, at::kBFloat16),
  };
}

std::vector<at::Tensor> volumes() {
  return {
      floats({2, 4, 5, 7, 6}),
      floats({4, 5, 7, 6}),
      floats({2, 4, 5, 7, 6}).contiguous(at::MemoryFormat::ChannelsLast3d),
      floats({6, 7, 5, 4, 2}).permute({4, 3, 2, 1, 0}),
      floats({2, 4, 5, 7, 6}, at::kDouble),
  };
}

Stacks max_pool1d() {
  return {
      {floats({2, 4, 9}), list({2}), list({}), list({0}), list({1}), false},
      {floats({2, 4, 9}), list({3}), list({2}), list({1}), list({1}), true},
      {floats({4, 9}), list({3}), list({1}), list({0}), list({2}), false},
  };
}

Stacks max_pool2d() {
  return join({
      each(images(), {list({2, 2}), list({}), list({0, 0}), list({1, 1}), false}),
      each(images(), {list({3, 3}), list({2, 2}), list({1, 1}), list({1, 1}), false}),
      each(images(), {list({3}), list({2}), list({1}), list({1}), true}),
      each(images(), {list({2, 3}), list({3, 2}), list({1, 0}), list({2, 1}), true}),
  });
}

Stacks max_pool3d() {
  return join({
      each(volumes(), {list({2, 2, 2}), list({}), list({0, 0, 0}), list({1, 1, 1}), false}),
      each(volumes(), {list({3}), list({2}), list({1}), list({1}), true}),
      each(volumes(), {list({2, 3, 2}), list({1, 2, 3}), list({0, 1, 1}), list({2, 1, 1}), true}),
  });
}

Stacks avg_pool2d() {
  return join({
      each(images(), {list({2, 2}), list({}), list({0, 0}), false, true, none}),
      each(images(), {list({3, 2}), list({2, 3}), list({1, 1}), true, false, none}),
      each(images(), {list({3}), list({2}), list({1}), false, true, 5}),
  });
}

Stacks avg_pool3d() {
  return join({
      each(volumes(), {list({2, 2, 2}), list({}), list({0, 0, 0}), false, true, none}),
      each(volumes(), {list({3, 2, 2}), list({2, 3, 1}), list({1, 1, 0}), true, false, none}),
  });
}

Stacks adaptive2d() {
  return join({each(images(), {list({1, 1})}), each(images(), {list({2, 3})}), each(images(), {list({7, 1})})});
}

Stacks adaptive3d() { return join({each(volumes(), {list({1, 1, 1})}), each(volumes(), {list({2, 3, 1})})}); }

Stacks fractional2d() {
  return {
      {floats({2, 4, 7, 9}), list({2, 2}), list({3, 4}), fractions({2, 4, 2})},
      {floats({4, 7, 9}), list({3, 2}), list({2, 5}), fractions({1, 4, 2})},
      {floats({2, 4, 7, 9}).contiguous(at::MemoryFormat::ChannelsLast), list({2, 2}), list({3, 4}),
       fractions({2, 4, 2})},
  };
}

Stacks fractional3d() {
  return {
      {floats({2, 4, 5, 7, 6}), list({2, 2, 2}), list({3, 4, 2}), fractions({2, 4, 3})},
      {floats({4, 5, 7, 6}), list({2, 3, 2}), list({3, 2, 4}), fractions({1, 4, 3})},
  };
}

}  // namespace

std::span<const OperatorSamples> pooling_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::max_pool1d", max_pool1d},
      {"aten::max_pool2d_with_indices", max_pool2d},
      {"aten::max_pool3d_with_indices", max_pool3d},
      {"aten::avg_pool2d", avg_pool2d},
      {"aten::avg_pool3d", avg_pool3d},
      {"aten::adaptive_avg_pool2d", adaptive2d},
      {"aten::adaptive_avg_pool3d", adaptive3d},
      {"aten::_adaptive_avg_pool2d", adaptive2d},
      {"aten::_adaptive_avg_pool3d", adaptive3d},
      {"aten::adaptive_max_pool2d", adaptive2d},
      {"aten::adaptive_max_pool3d", adaptive3d},
      {"aten::fractional_max_pool2d", fractional2d},
      {"aten::fractional_max_pool3d", fractional3d},
  };
  return table;
}

}  // namespace tracejet::samples
