// Max pooling of channels last by a kernel of our own, which is compiled for the CPU here.
#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "engines/aten/fusion/max_pool_op.h"
#include "engines/host_kernels.h"

namespace tracejet {
namespace {

using aten::MaxPool;
using testing::kOneThread;

class MaxPools : public ::testing::TestWithParam<MaxPool> {
 protected:
  static aten::KernelCache& cache() {
    static aten::KernelCache cache(std::make_shared<testing::HostCompiler>(kOneThread));  // for all sizes
    return cache;
  }
};

TEST_P(MaxPools, AreExactlyPyTorchs) {
  at::manual_seed(0);
  const MaxPool& pool = GetParam();
  for (const at::ScalarType dtype : {at::kHalf, at::kBFloat16}) {
    for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{2, 8, 7, 9}, {1, 24, 12, 5}}) {
      at::Tensor x = at::randn(sizes);
      x.view({-1})[5] = std::numeric_limits<double>::quiet_NaN();
      x.view({-1}).slice(0, 20, 40).fill_(-std::numeric_limits<double>::infinity());
      x = x.to(dtype).contiguous(at::MemoryFormat::ChannelsLast);
      const auto got = aten::max_pool_by_kernel(cache(), x, pool);
      ASSERT_TRUE(got);
      const at::Tensor expected = std::get<0>(at::max_pool2d_with_indices(
          x.to(at::kFloat), pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode));
      EXPECT_TRUE(got->is_contiguous(at::MemoryFormat::ChannelsLast));
      EXPECT_EQ(got->sizes(), expected.sizes());
      EXPECT_TRUE(at::allclose(got->to(at::kFloat), expected, 0, 0, /*equal_nan=*/true));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, MaxPools,
                         ::testing::Values(MaxPool{{3, 3}, {2, 2}, {1, 1}, {1, 1}, false},
                                           MaxPool{{2, 2}, {2, 2}, {0, 0}, {1, 1}, false},
                                           MaxPool{{3, 2}, {1, 3}, {1, 0}, {2, 1}, true},
                                           MaxPool{{2, 2}, {3, 3}, {1, 1}, {1, 1}, true},
                                           MaxPool{{5, 5}, {5, 5}, {2, 2}, {1, 1}, true}));

TEST(MaxPooling, OfOtherImagesIsLeftToPyTorch) {
  aten::KernelCache cache(std::make_shared<testing::HostCompiler>(kOneThread));
  const MaxPool pool{{2, 2}, {2, 2}, {0, 0}, {1, 1}, false};
  const auto is_taken = [&](const at::Tensor& x) { return aten::max_pool_by_kernel(cache, x, pool).has_value(); };
  const at::Tensor x = at::randn({2, 16, 4, 4}).to(at::kHalf);
  EXPECT_FALSE(is_taken(x));
  EXPECT_FALSE(is_taken(x.to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast)));
  EXPECT_FALSE(is_taken(x.slice(1, 0, 12).contiguous(at::MemoryFormat::ChannelsLast)));
  EXPECT_TRUE(is_taken(x.contiguous(at::MemoryFormat::ChannelsLast)));
}

}  // namespace
}  // namespace tracejet
