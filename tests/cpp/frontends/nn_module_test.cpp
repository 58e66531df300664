// Programs of torch::nn modules. What Python makes of their files: tests/python/frontend/test_cpp_modules.py.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "frontends/nn_comparison.h"
#include "frontends/nn_models.h"
#include "ir/graph.h"
#include "message_of.h"
#include <tracejet/compile.h>
#include <tracejet/nn_module.h>
#include <tracejet/program.h>

namespace tracejet {
namespace {

using testing::expect_same;
using testing::is_close;
using testing::message_of;
using Tensors = std::vector<at::Tensor>;

std::vector<Tensors> image_batches(std::initializer_list<int64_t> batches) {
  std::vector<Tensors> inputs;
  for (const int64_t batch : batches) inputs.push_back({at::randn({batch, 3, 32, 32})});
  return inputs;
}

TEST(NnModule, AResidualNetworkHoldsForEveryBatch) {
  models::ResNet net;
  net->eval();
  const Input image = Input::dynamic({1, 3, 32, 32}, {2, 3, 32, 32}, {8, 3, 32, 32}, at::kFloat, "image");
  expect_same("resnet", net, {image}, image_batches({1, 2, 5, 8}),
              [&](const Tensors& in) { return Tensors{net(in[0])}; });
}

std::vector<Tensors> sequences(std::initializer_list<std::pair<int64_t, int64_t>> sizes, int64_t width) {
  std::vector<Tensors> inputs;
  for (const auto& [batch, length] : sizes) inputs.push_back({at::randn({batch, length, width})});
  return inputs;
}

TEST(NnModule, AnEncoderHoldsForEveryBatchAndLength) {
  auto encoder = std::make_shared<models::Encoder>(16, 4, 2);
  encoder->eval();
  const Input x = Input::dynamic({1, 2, 16}, {2, 8, 16}, {4, 32, 16}, at::kFloat, "x");
  expect_same("encoder", *encoder, {x}, sequences({{1, 2}, {2, 8}, {3, 17}, {4, 32}}, 16),
              [&](const Tensors& in) { return Tensors{encoder->forward(in[0])}; });
}

TEST(NnModule, ARecurrentNetworkHoldsForEveryBatch) {
  models::Recurrent recurrent;
  recurrent.eval();
  const Input x = Input::dynamic({1, 5, 6}, {2, 5, 6}, {8, 5, 6}, at::kFloat, "x");
  expect_same("lstm", recurrent, {x}, sequences({{1, 5}, {2, 5}, {3, 5}, {8, 5}}, 6),
              [&](const Tensors& in) { return Tensors{recurrent.forward(in[0])}; });
}

TEST(NnModule, AStepwiseRecurrentNetworkHoldsForEveryBatch) {
  models::Stepwise stepwise;
  const Input x = Input::dynamic({1, 5, 6}, {2, 5, 6}, {8, 5, 6}, at::kFloat, "x");
  expect_same("stepwise", stepwise, {x}, sequences({{1, 5}, {2, 5}, {3, 5}, {8, 5}}, 6), [&](const Tensors& in) {
    auto states = stepwise.forward(in[0]);
    return Tensors{states["hidden"], states["state"]};
  });
}

TEST(NnModule, APlainSizeIsRefusedWithTheModuleThatComputesTheTensor) {
  models::AsksForSizes model;
  const Input x = Input::dynamic({1, 4}, {2, 4}, {8, 4}, at::kFloat, "x");
  const std::string message = message_of<UnsupportedOperator>([&] { trace(model, {x}); });
  EXPECT_NE(message.find("x[0]"), std::string::npos) << message;
  EXPECT_NE(message.find("in layer (torch::nn::LinearImpl)"), std::string::npos) << message;
}

TEST(NnModule, StateWrittenInForwardIsTheProgramsToo) {
  models::Counting counting;
  expect_same("counting", counting, {Input::dynamic({1, 4}, {2, 4}, {8, 4}, at::kFloat, "x")},
              {{at::randn({1, 4})}, {at::randn({2, 4})}, {at::randn({7, 4})}, {at::randn({8, 4})}},
              [&](const Tensors& in) { return Tensors{counting.forward(in[0])}; });
}

TEST(NnModule, StatisticsOfATrainedBatchNormAreUpdated) {
  torch::nn::BatchNorm1d norm(4), eager(4);
  const Program program = trace(norm, {Input::fixed({3, 4}, at::kFloat, "x")});
  EXPECT_EQ(norm->num_batches_tracked.item<int64_t>(), 0);
  const CompiledProgram compiled = compile(program, {.engine = "aten"});
  for (int i = 0; i < 3; ++i) {
    const at::Tensor x = at::randn({3, 4});
    const at::NoGradGuard no_grad;
    EXPECT_TRUE(is_close(compiled.run({x}), {eager(x)}));
  }
  EXPECT_TRUE(at::allclose(norm->running_var, eager->running_var));
  EXPECT_EQ(norm->num_batches_tracked.item<int64_t>(), 3);
}

TEST(NnModule, SequentialAndAnyModuleAreModules) {
  torch::nn::Sequential net(torch::nn::Linear(4, 3), torch::nn::ReLU());
  torch::nn::AnyModule any(torch::nn::Linear(4, 3));
  const Input x = Input::dynamic({1, 4}, {2, 4}, {8, 4}, at::kFloat, "x");
  EXPECT_EQ(trace(net, {x}).graph()->inputs()[0].name, "0.weight");
  EXPECT_EQ(trace(any, {x}).graph()->inputs()[0].name, "weight");
  const std::shared_ptr<models::Encoder> none;
  EXPECT_THROW(trace(none, {x}), InvalidInput);
}

TEST(NnModule, ArgumentsMayBePairs) {
  struct Weighs : torch::nn::Module {
    static at::Tensor forward(const std::pair<at::Tensor, double>& one, const std::pair<at::Tensor, at::Tensor>& two) {
      return one.first * one.second + two.first - two.second;
    }
  } net;
  const Input x = Input::fixed({2, 4}, at::kFloat, "x"), y = Input::fixed({2, 4}, at::kFloat, "y");
  const Input z = Input::fixed({2, 4}, at::kFloat, "z");
  const Program program = trace(net, arguments(std::pair(x, 2.0), std::pair(y, z)));
  const Tensors given{at::randn({2, 4}), at::randn({2, 4}), at::randn({2, 4})};
  EXPECT_TRUE(at::allclose(run(program, given)[0], given[0] * 2 + given[1] - given[2]));
}

TEST(NnModule, ArgumentsAndResultsMayBeNested) {
  models::Nested net;
  const auto input = [](const char* name) { return Input::dynamic({1, 4}, {2, 4}, {8, 4}, at::kFloat, name); };
  Input x = input("x"), h = input("h"), c = input("c");
  x.shared_dims = h.shared_dims = c.shared_dims = {{0, "batch"}};
  const Program program = trace(net, arguments(std::vector{x, x}, as<models::State>(h, c), std::nullopt, 3));
  const CompiledProgram compiled = compile(program, {.engine = "aten"});
  const at::Tensor a = at::randn({5, 4}), b = at::randn({5, 4}), hidden = at::randn({5, 4}), cell = at::randn({5, 4});
  const auto [sum, state] = net.forward({a, b}, {hidden, cell}, std::nullopt, 3);
  EXPECT_TRUE(is_close(compiled.run({a, b, hidden, cell}), {sum, state.hidden, state.cell}));
}

TEST(NnModule, AWrongNumberOfInputsIsRefused) {
  models::Counting counting;
  const Input x = Input::fixed({2, 4});
  EXPECT_NE(message_of<InvalidInput>([&] { trace(counting, {x, x}); }).find("2 tensors"), std::string::npos);
}

TEST(NnModule, BranchesOnSizesAreRightOrNameTheirAxis) {
  const Input x = Input::dynamic({1, 4}, {4, 4}, {16, 4}, at::kFloat, "x");
  models::Branching plain([](const at::Tensor& t) { return t.size(0) == 1; });
  EXPECT_NE(message_of<UnsupportedOperator>([&] { trace(plain, {x}); }).find("x[0]"), std::string::npos);
  models::Branching symbolic([](const at::Tensor& t) { return t.sym_size(0) > 8; });
  const std::string message = message_of<Error>([&] {
    const CompiledProgram compiled = compile(trace(symbolic, {x}), {.engine = "aten"});
    for (const int64_t batch : {1, 4, 8, 9, 16}) {
      const at::Tensor data = at::randn({batch, 4});
      EXPECT_TRUE(is_close(compiled.run({data}), {symbolic.forward(data)})) << batch;
    }
  });
  EXPECT_NE(message.find("x[0]"), std::string::npos) << message;
}

TEST(NnModule, AProblemNamesTheModuleWhereItIs) {
  models::ResNet net;
  net->eval();
  const Input image = Input::dynamic({1, 3, 32, 32}, {2, 4, 32, 32}, {8, 8, 32, 32}, at::kFloat, "image");
  const Report report = diagnose(net, {image});
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.str().find("stem"), std::string::npos) << report.str();
}

TEST(NnModule, AnErrorNamesTheModuleWhereItIs) {
  torch::nn::Sequential net(torch::nn::Linear(4, 3), torch::nn::Linear(4, 3));
  const std::string message = message_of<ShapeError>([&] { trace(net, {Input::fixed({2, 4})}); });
  EXPECT_NE(message.find("1 (torch::nn::LinearImpl)"), std::string::npos) << message;
}

}  // namespace
}  // namespace tracejet
