// Chains of operators as one kernel: which ones, and that what is written for them computes what PyTorch does. The
// kernels are compiled for the CPU here.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "engines/aten/fusion/fused_op.h"
#include "engines/fused_program.h"
#include <tracejet/trace.h>

namespace tracejet {
namespace {

using testing::calls;
using testing::expect_kernel_as_eager;
using testing::expect_same_tensors;
using testing::Fused;
using testing::fused;
using testing::inputs_like;
using testing::kOneThread;
using testing::kWarps;
using testing::Tensors;

TEST(Fusion, TakesChainsOfOneSize) {
  const Tensors x{at::randn({4, 6}), at::randn({6})};
  EXPECT_EQ(calls([](const Tensors& in) { return Tensors{((in[0] + in[1]) * 2).tanh()}; }, x), "tracejet::fused");
  EXPECT_EQ(calls([](const Tensors& in) { return Tensors{in[0].tanh()}; }, x), "aten::tanh");
  EXPECT_EQ(calls([](const Tensors& in) { return Tensors{(in[0].tanh().mm(in[0].t()) + 1).sin()}; }, x),
            "aten::tanh aten::permute aten::mm tracejet::fused");
}

TEST(Fusion, MakesNoCircles) {
  const Tensors x{at::randn({6, 6})};
  // exp feeds both a product and what is added to it: one kernel can't be before the product and behind it.
  EXPECT_EQ(calls(
                [](const Tensors& in) {
                  const at::Tensor first = (in[0] * 2).exp();
                  return Tensors{(first.mm(first) + first).sin()};
                },
                x),
            "tracejet::fused aten::mm tracejet::fused");
}

TEST(Fusion, PutsReadersBehind) {
  const Tensors x{at::randn({6, 6})};
  const Forward forward = [](const Tensors& in) {
    const at::Tensor first = in[0] * 2, product = first.mm(in[0]), second = first + 1;
    return Tensors{product, second};
  };
  EXPECT_EQ(calls(forward, x), "tracejet::fused aten::mm");
}

TEST(Fusion, LeavesOtherDtypesAndUnknownNumbers) {
  const Tensors wide{at::randn({4}, at::kComplexFloat)}, plain{at::randn({4})};
  EXPECT_EQ(calls([](const Tensors& in) { return Tensors{(in[0] * 2) + in[0]}; }, wide), "aten::mul aten::add");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(calls([nan](const Tensors& in) { return Tensors{(in[0] * nan) + in[0]}; }, plain), "aten::mul aten::add");
}

Tensors activations(const Tensors& in) {
  const at::Tensor x = in[0] * 1.5;
  return {at::silu(x) + at::gelu(x), at::gelu(x, "tanh") * at::sigmoid(x), at::elu(x, 1.5) - at::leaky_relu(x, 0.1),
          x.clamp(-0.5, 0.5) / (x.abs() + 1)};
}

Tensors mathematics(const Tensors& in) {
  const at::Tensor x = in[0].abs() + 0.5;
  return {x.log() + x.exp(),
          x.rsqrt() * x.sqrt(),
          x.pow(2) + x.pow(3) - x.pow(1.7),
          x.sin() * x.cos() + x.tanh(),
          x.reciprocal() + x.erf(),
          at::floor(x) + at::ceil(x) - at::round(x) * at::trunc(x),
          x.log1p() - x.expm1(),
          at::where(x > 1, x, -x),
          at::maximum(x, in[0]) + at::minimum(x, in[0]) + 1};
}

class FusedDtypes : public ::testing::TestWithParam<at::ScalarType> {};

TEST_P(FusedDtypes, ComputesAsEager) {
  at::manual_seed(0);
  const at::Tensor x = at::randn({3, 40}).to(GetParam());
  expect_kernel_as_eager(activations, {x});
  expect_kernel_as_eager(mathematics, {x});
}

INSTANTIATE_TEST_SUITE_P(All, FusedDtypes, ::testing::Values(at::kHalf, at::kBFloat16, at::kFloat, at::kDouble));

TEST(Fusion, ConvertsAsEager) {
  const at::Tensor x = at::randn({2, 24}) * 5;
  expect_kernel_as_eager(
      [](const Tensors& in) {
        const at::Tensor whole = in[0].to(at::kInt), narrow = in[0].to(at::kHalf);
        return Tensors{whole + 1,
                       (whole * 2).to(at::kByte),
                       narrow + 0.1,
                       narrow.to(at::kFloat) * in[0],
                       (whole > 2).logical_and(in[0] < 3),
                       whole.to(at::kBool).to(at::kBFloat16) + in[0].to(at::kBFloat16),
                       at::where(whole == 1, narrow, narrow * 2),
                       in[0].to(at::kDouble) + whole};
      },
      {x});
}

TEST(Fusion, GoesOnWithNaN) {
  const at::Tensor x = at::tensor({1.0, -2.0, std::nan(""), INFINITY, -INFINITY, -0.0});
  expect_kernel_as_eager(
      [](const Tensors& in) {
        const at::Tensor x = in[0] * 1, zero = x * 0;
        return Tensors{x.relu() + 1, x.clamp(-1, 1) * 2, at::maximum(x, zero), x * -INFINITY + x,
                       at::where(x.isnan(), zero + 1, x)};
      },
      {x});
}

Tensors sums(const Tensors& in) {
  const at::Tensor product = in[0] * in[1];
  return {product.tanh() + in[2], product};
}

TEST(Fusion, TakesAnyLayout) {
  const at::Tensor x = at::randn({4, 6, 8, 8}), channels = at::randn({6, 1, 1}), number = at::randn({});
  expect_kernel_as_eager(sums, {x, channels, number});
  expect_kernel_as_eager(sums, {x.contiguous(at::MemoryFormat::ChannelsLast), channels, x});
  expect_kernel_as_eager(sums, {x.permute({0, 2, 3, 1}), x.permute({0, 2, 3, 1}).contiguous(), at::randn({6})});
  expect_kernel_as_eager(sums, {x.slice(3, 1, 8), x.slice(3, 0, 7), x.slice(3, 0, 7)});
  expect_kernel_as_eager(sums, {at::randn({1, 5, 1}), at::randn({3, 1, 7}), at::randn({5, 7})});
}

TEST(Fusion, NumbersThatAreNoMultiplesOfAnything) {
  for (const int64_t size : {1, 2, 3, 17, 31, 64, 129}) {
    expect_kernel_as_eager(sums, {at::randn({3, size}), at::randn({size}), at::randn({3, 1})});
  }
}

Tensors norms(const Tensors& in) {
  const at::Tensor sum = in[0] + in[1];
  return {sum, std::get<0>(at::native_layer_norm(sum, {in[0].size(-1)}, in[2], in[3], 1e-5))};
}

class FusedRows : public ::testing::TestWithParam<std::tuple<int64_t, bool>> {};

TEST_P(FusedRows, ComputesAsEager) {
  at::manual_seed(0);
  const auto [length, has_warps] = GetParam();
  const aten::KernelDevice& device = has_warps ? kWarps : kOneThread;
  for (const at::ScalarType dtype : {at::kHalf, at::kFloat}) {
    const at::Tensor x = at::randn({1, 2, length}).to(dtype), y = at::randn({1, 2, length}).to(dtype);
    const at::Tensor weight = at::randn({length}).to(dtype), bias = at::randn({length}).to(dtype);
    const Fused program(norms, inputs_like({x, y, weight, bias}), device);
    const Tensors expected = program({x, y, weight, bias});
    expect_same_tensors(program({x, y, weight, bias}), expected);
    EXPECT_EQ(program.kernels(), 1);
  }
  const Tensors x{at::randn({2, length}), at::randn({2, 1}), at::randn({length})};
  const Forward softmax = [](const Tensors& in) { return Tensors{at::_softmax(in[0] * in[1] + in[2], -1, false)}; };
  expect_kernel_as_eager(softmax, x, device);
  const Forward reduce = [](const Tensors& in) {
    const at::Tensor x = in[0] + in[2];
    return Tensors{x * (x.pow(2).mean({-1}, true) + 1e-5).rsqrt() * in[1], x.sum({-1}, true) * 2, x.amax({-1}, true)};
  };
  expect_kernel_as_eager(reduce, x, device);
}

INSTANTIATE_TEST_SUITE_P(All, FusedRows,
                         ::testing::Values(std::tuple(2, false), std::tuple(33, true), std::tuple(48, false),
                                           std::tuple(96, true), std::tuple(300, true)));

TEST(Fusion, RowsOfAnyLayout) {
  const at::Tensor x = at::randn({2, 12, 3, 4}).permute({0, 2, 3, 1}), y = at::randn({2, 3, 4, 12});
  expect_kernel_as_eager(norms, {x, y, at::randn({12}), at::randn({12})}, kWarps);
  expect_kernel_as_eager(norms, {x.slice(1, 1, 3), y.slice(1, 0, 2), at::randn({12}), at::randn({12})}, kWarps);
}

TEST(Fusion, OneKernelForAllSizes) {
  const Input rows = Input::dynamic({1, 8}, {4, 8}, {64, 8}, at::kFloat, "x");
  const Forward forward = [](const Tensors& in) { return Tensors{(in[0] * 2 + 1).tanh() * in[0]}; };
  const Fused program(forward, {rows}, kOneThread);
  for (const int64_t size : {4, 6, 9}) {
    const at::Tensor x = at::randn({size, 8});
    const Tensors expected = program({x});
    expect_same_tensors(program({x}), expected);
    expect_same_tensors(program({x * 1}), expected);
  }
  EXPECT_EQ(program.kernels(), 1);
}

at::Tensor rotated(const at::Tensor& x) {
  const auto halves = x.chunk(2, -1);
  return at::cat({-halves[1], halves[0]}, -1);
}

/// As rotary embeddings have it, by halves or by slices.
Tensors embedded(const Tensors& in) { return {in[0] * in[1] + rotated(in[0]) * in[2]}; }

Tensors embedded_by_slices(const Tensors& in) {
  const int64_t half = in[0].size(-1) / 2;
  return {in[0] * in[1] + at::cat({-in[0].slice(-1, half), in[0].slice(-1, 0, half)}, -1) * in[2]};
}

TEST(Fusion, RotatesHalves) {
  for (const int64_t length : {64, 12}) {
    const at::Tensor x = at::randn({2, 3, 5, length}).to(at::kHalf).permute({0, 2, 1, 3});
    const at::Tensor cos = at::randn({3, length}).to(at::kHalf);
    expect_kernel_as_eager(embedded, {x, cos, cos + 1});
    expect_kernel_as_eager(embedded_by_slices, {x, cos, cos + 1}, kWarps);
  }
  const at::Tensor x = at::randn({2, 3, 10}), cos = at::randn({3, 10});
  expect_kernel_as_eager(embedded, {x, cos, cos + 1});
  expect_kernel_as_eager(embedded, {x.slice(-1, 0, 1).expand_as(x), cos, cos + 1});
}

TEST(Fusion, RotatesWhatLiesInMemoryOnly) {
  const Tensors x{at::randn({3, 8})};
  EXPECT_EQ(calls([](const Tensors& in) { return Tensors{rotated((in[0] * 2).sin()) + 1}; }, x),
            "tracejet::fused tracejet::fused");
  EXPECT_EQ(calls([](const Tensors& in) { return Tensors{rotated(in[0])}; }, x), "tracejet::rotate_half");
  const auto calls_around = [&](auto&& function) {
    return calls([&](const Tensors& in) { return Tensors{function(in[0])}; }, x);
  };
  EXPECT_EQ(calls_around([](const at::Tensor& x) { return at::cat({x.slice(1, 4), -x.slice(1, 0, 4)}, 1); }),
            "aten::slice aten::slice aten::neg aten::cat");
  EXPECT_EQ(calls_around([](const at::Tensor& x) { return at::cat({-x.slice(1, 1, 8, 2), x.slice(1, 0, 8, 2)}, 1); }),
            "aten::slice aten::neg aten::slice aten::cat");
}

TEST(Fusion, AddsBiasesOfConvolutions) {
  const Tensors x{at::randn({2, 4, 6, 5}), at::randn({8, 4, 3, 3}), at::randn({8})};
  const Forward bent = [](const Tensors& in) { return Tensors{at::conv2d(in[0], in[1], in[2]).sigmoid() * 2}; };
  const Forward normed = [](const Tensors& in) {
    return Tensors{at::layer_norm(at::conv2d(in[0], in[1], in[2]).permute({0, 2, 3, 1}), {8})};
  };
  const Forward read_twice = [](const Tensors& in) {
    const at::Tensor y = at::conv2d(in[0], in[1], in[2]);
    return Tensors{y, y.sigmoid() * 2};
  };
  EXPECT_EQ(calls(bent, x), "aten::convolution aten::reshape tracejet::fused");
  EXPECT_EQ(calls(normed, x), "aten::convolution aten::permute tracejet::fused");
  EXPECT_EQ(calls(read_twice, x), "aten::convolution tracejet::fused");
  for (const Forward& forward : {bent, normed, read_twice}) {
    const auto graph = fused(forward, inputs_like(x));
    const auto run = aten::make_interpreter(graph, runtime_inputs_of(*graph));
    for (const at::Tensor& input : {x[0], at::randn({2, 4, 6, 5}).to(at::MemoryFormat::ChannelsLast)}) {
      Tensors inputs = x, got;
      inputs[0] = input;
      for (const c10::IValue& value : run->run(inputs, {})) got.push_back(value.toTensor());
      expect_same_tensors(got, forward(inputs));
    }
  }
}

TEST(Fusion, TakesNormsOfShortRowsAlone) {
  const auto norm = [](const Tensors& in) { return Tensors{at::layer_norm(in[0], {in[0].size(-1)})}; };
  EXPECT_EQ(calls(norm, {at::randn({3, 96})}), "tracejet::fused");
  EXPECT_EQ(calls(norm, {at::randn({3, 2048})}), "aten::native_layer_norm");
  expect_kernel_as_eager(norm, {at::randn({3, 96})});
}

/// Images, channels, pixels and groups; whether numbers are far from 0.
TEST(Fusion, RunsOperatorsWhereAKernelCantBeCompiled) {
  class Refusing final : public aten::KernelCompiler {
    aten::KernelDevice device(c10::Device) const override { return {}; }
    std::shared_ptr<const aten::Kernel> compile(const std::string&, c10::Device) const override {
      throw Error("no compiler today");
    }
  };
  const auto graph = fused([](const Tensors& in) { return Tensors{(in[0] * 2).tanh()}; }, inputs_like({at::ones({3})}));
  const auto body = graph->nodes().front().subgraphs().front();
  const auto call = aten::make_fused_call(body, aten::make_interpreter(body, runtime_inputs_of(*body)),
                                          std::make_shared<aten::KernelCache>(std::make_shared<Refusing>()));
  for (int i = 0; i < 3; ++i) {
    const at::Tensor x = at::randn({3});
    EXPECT_TRUE(at::equal(call->run({x}, {}).front().toTensor(), (x * 2).tanh()));
  }
}

}  // namespace
}  // namespace tracejet
