// Group norm of channels last by kernels of our own, which are compiled for the CPU here.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "engines/aten/fusion/group_norm_op.h"
#include "engines/host_kernels.h"

namespace tracejet {
namespace {

using testing::kManyBlocks;
using testing::kWarps;
using testing::tolerance_of;

class GroupNorms : public ::testing::TestWithParam<std::tuple<int64_t, int64_t, int64_t, int64_t, double>> {};

TEST_P(GroupNorms, AreAsInFloat64) {
  at::manual_seed(0);
  const auto [images, channels, pixels, groups, shift] = GetParam();
  static aten::KernelCache cache(std::make_shared<testing::HostCompiler>(kManyBlocks));  // for all sizes
  for (const at::ScalarType dtype : {at::kHalf, at::kBFloat16}) {
    const at::Tensor x =
        (at::randn({images, channels, pixels, 3}) * 2 + shift).to(dtype).contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor weight = at::randn({channels}).to(dtype), bias = at::randn({channels}).to(dtype);
    for (const bool silu : {false, true}) {
      const aten::GroupNorm norm{silu ? weight : at::Tensor(), silu ? bias : at::Tensor(), groups, 1e-5, silu};
      const auto got = aten::group_norm_by_kernels(cache, x, norm);
      ASSERT_TRUE(got);
      const auto wide = [](const at::Tensor& tensor) { return tensor.defined() ? tensor.to(at::kDouble) : tensor; };
      at::Tensor expected = at::group_norm(wide(x), groups, wide(norm.weight), wide(norm.bias), 1e-5);
      if (silu) expected = at::silu(expected);
      EXPECT_EQ(got->strides(), x.strides());
      const double tolerance = tolerance_of(dtype);
      EXPECT_TRUE(at::allclose(got->to(at::kDouble), expected, tolerance, tolerance));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, GroupNorms,
                         ::testing::Values(std::tuple(2, 32, 4, 8, 0.), std::tuple(1, 64, 5, 32, 40.),
                                           std::tuple(1, 96, 1, 32, 0.), std::tuple(1, 48, 7, 2, -300.),
                                           std::tuple(1, 1280, 3, 32, 0.)));

TEST(GroupNorm, OfOtherImagesIsLeftToOperators) {
  aten::KernelCache cache(std::make_shared<testing::HostCompiler>(kWarps));
  const auto is_taken = [&](const at::Tensor& x, int64_t groups) {
    return aten::group_norm_by_kernels(cache, x, {{}, {}, groups, 1e-5, false}).has_value();
  };
  const at::Tensor x = at::randn({2, 16, 4, 4}).to(at::kHalf);
  EXPECT_FALSE(is_taken(x, 4));
  EXPECT_FALSE(is_taken(x.to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast), 4));
  EXPECT_FALSE(is_taken(x.slice(1, 0, 12).contiguous(at::MemoryFormat::ChannelsLast), 4));
}

}  // namespace
}  // namespace tracejet
