// Programs of torch::nn modules. What Python makes of their files: tests/python/test_cpp_modules.py.
#include <limits>
#include <thread>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "frontends/nn_comparison.h"
#include "frontends/nn_models.h"
#include "ir/graph.h"
#include "message_of.h"
#include <tracejet/compile.h>
#include <tracejet/io.h>
#include <tracejet/nn_module.h>
#include <tracejet/program.h>

namespace tracejet {
namespace {
struct OnlyCopiedInName;
}  // namespace

template <>
inline constexpr bool kKeepsMembers<OnlyCopiedInName> = false;

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

TEST(NnModule, AMemberBoundToAnotherTensorIsRefused) {
  models::Remembering top;
  const Input x = Input::fixed({2, 4}, at::kFloat, "x");
  const at::Tensor before = top.memory;
  EXPECT_NE(message_of<UnsupportedOperator>([&] { trace(top, {x}); }).find("register a buffer"), std::string::npos);
  EXPECT_TRUE(top.memory.is_same(before));
  EXPECT_FALSE(diagnose(top, {x}).ok());
  torch::nn::Sequential inside{models::Remembering()};
  EXPECT_NE(message_of<UnsupportedOperator>([&] { trace(inside, {x}); }).find("register a buffer"), std::string::npos);
}

struct Pair : torch::nn::Module {
  at::Tensor a = register_buffer("a", torch::zeros({2, 4})), b = register_buffer("b", torch::ones({2, 4}));
};

struct Bound : Pair {
  at::Tensor forward(const at::Tensor& x) {
    b.add_(x);
    at::Tensor y = x + a;
    a = b;
    return y;
  }
};

struct Swapped : Pair {
  at::Tensor forward(const at::Tensor& x) {
    std::swap(a, b);
    return x + a - 2 * b;
  }
};

struct SwappedInAContainer : torch::nn::Module {
  at::Tensor forward(const at::Tensor& x) {
    std::swap(kept[0], kept[1]);
    return x + kept[0];
  }
  Tensors kept{register_buffer("a", torch::zeros({2, 4})), register_buffer("b", torch::ones({2, 4}))};
};

struct Grows : torch::nn::Module {
  at::Tensor forward(const at::Tensor& x) { return x * ++calls; }
  int calls = 0;
};

struct WritesInTurn : Pair {
  at::Tensor forward(const at::Tensor& x) {
    (is_first ? a : b).add_(x);
    is_first = !is_first;
    return x + 1;
  }
  bool is_first = true;
};

/// The same as a submodule, whose members no trace gives back.
template <typename Net>
struct Around : torch::nn::Module {
  at::Tensor forward(const at::Tensor& x) { return inside->forward(x) + 1; }
  std::shared_ptr<Net> inside = register_module("inside", std::make_shared<Net>());
};

template <typename Net>
class ModuleWithMemory : public ::testing::Test {};
using ModulesWithMemory = ::testing::Types<Bound, Swapped, SwappedInAContainer, Grows, WritesInTurn>;
TYPED_TEST_SUITE(ModuleWithMemory, ModulesWithMemory);

TYPED_TEST(ModuleWithMemory, IsRefused) {
  const std::vector<Input> x{Input::fixed({2, 4})};
  TypeParam net;
  EXPECT_NE(message_of<UnsupportedOperator>([&] { trace(net, x); }).find("a second call"), std::string::npos);
  EXPECT_FALSE(diagnose(net, x).ok());
  const at::Tensor ones = at::ones({2, 4});
  EXPECT_TRUE(at::equal(net.forward(ones), TypeParam().forward(ones)));  // it has its members back
  Around<TypeParam> around;
  EXPECT_NE(message_of<UnsupportedOperator>([&] { trace(around, x); }).find("a second call"), std::string::npos);
  const auto held = std::make_shared<Around<TypeParam>>();
  EXPECT_NE(message_of<UnsupportedOperator>([&] { trace(held, x); }).find("a second call"), std::string::npos);
}

TEST(NnModule, FunctionsWithMemoryAreRefused) {
  at::Tensor a = at::zeros({4}), b = at::ones({4});
  const std::vector<Input> x{Input::fixed({4})};
  const auto swaps = [&](const Tensors& in) {
    std::swap(a, b);
    return Tensors{in[0] + a};
  };
  EXPECT_NE(message_of<UnsupportedOperator>([&] { trace(swaps, x); }).find("a second call"), std::string::npos);
  const auto counts = [calls = 0](const Tensors& in) mutable { return Tensors{in[0] * ++calls}; };
  EXPECT_NE(message_of<UnsupportedOperator>([&] { trace(counts, x); }).find("a second call"), std::string::npos);
  at::Tensor sum = at::zeros({4});
  const auto sums = [&](const Tensors& in) { return Tensors{sum = sum + in[0]}; };
  EXPECT_NE(message_of<UnsupportedOperator>([&] { trace(sums, x); }).find("a second call"), std::string::npos);
}

TEST(NnModule, MemoryOnOneSideOfABranchOnSizesIsRefused) {
  struct Seen : torch::nn::Module {
    explicit Seen(std::function<bool(const c10::SymInt&)> asks) : asks(std::move(asks)) {}
    at::Tensor forward(const at::Tensor& x) {
      const at::Tensor y = seen ? x * 3 : x * 2;
      if (asks(x.sym_size(0))) seen = true;
      return y;
    }
    std::function<bool(const c10::SymInt&)> asks;
    bool seen = false;
  };
  const std::vector<Input> x{Input::dynamic({1, 4}, {4, 4}, {16, 4})};
  for (const auto& asks : std::vector<std::function<bool(const c10::SymInt&)>>{
           [](const c10::SymInt& size) { return size > 8; }, [](const c10::SymInt& size) { return size == 1; }}) {
    Seen net(asks);
    EXPECT_NE(message_of<UnsupportedOperator>([&] { trace(net, x); }).find("a second call"), std::string::npos);
    const Report report = diagnose(net, x);
    EXPECT_FALSE(report.ok());
    EXPECT_NE(report.str().find("a second call"), std::string::npos) << report.str();
    EXPECT_FALSE(net.seen);
  }
}

TEST(NnModule, ConstantsOfTheSameBitsAreTheSameInASecondCall) {
  std::vector<float> numbers{1, std::numeric_limits<float>::quiet_NaN(), -0.0F, 2};
  const auto forward = [&](const Tensors& in) {
    const at::Tensor made = at::from_blob(numbers.data(), {4}, at::kFloat).clone();
    const at::Tensor halves = at::from_blob(numbers.data(), {4}, at::kComplexHalf).clone();
    return Tensors{in[0] + made, at::view_as_real(halves)};
  };
  const at::Tensor x = at::rand({4});
  const Tensors results = run(trace(forward, {Input::fixed({4})}), {x}), expected = forward({x});
  EXPECT_TRUE(at::allclose(results[0], expected[0], 1e-5, 1e-8, /*equal_nan=*/true));
  EXPECT_TRUE(at::allclose(results[1], expected[1], 1e-5, 1e-8, /*equal_nan=*/true));
}

TEST(NnModule, WhatASecondCallThrowsIsTold) {
  const auto forward = [calls = 0](const Tensors& in) mutable {
    if (++calls > 1) throw std::runtime_error("only once");
    return in;
  };
  EXPECT_EQ(message_of<std::runtime_error>([&] { trace(forward, {Input::fixed({4})}); }), "only once");
}

struct OnlyCopiedInName : torch::nn::Module {
  at::Tensor forward(const at::Tensor& x) { return x * *factors.at(0); }
  std::vector<std::unique_ptr<int>> factors{};
};

TEST(NnModule, OfAnotherClassThanTheNameSaysNothingIsGivenBack) {
  struct Base : torch::nn::Module {
    virtual at::Tensor forward(const at::Tensor& x) {
      log.emplace_back("called");
      return x;
    }
    std::vector<std::string> log;
  };
  struct Derived : Base {
    at::Tensor forward(const at::Tensor& x) override {
      const at::Tensor y = Base::forward(x) * 2;
      return log.at(calls++) == "called" && x.sym_size(0) > 4 ? y.clone() : y;
    }
    size_t calls = 0;
  };
  const std::shared_ptr<Base> net = std::make_shared<Derived>();
  const Program program = trace(net, {Input::dynamic({1, 4}, {2, 4}, {8, 4})});
  const at::Tensor x = at::ones({5, 4});
  EXPECT_TRUE(at::equal(run(program, {x})[0], net->forward(x)));
}

TEST(NnModule, AClassThatCantBeCopiedMaySaySo) {
  OnlyCopiedInName net;
  net.factors.push_back(std::make_unique<int>(3));
  const at::Tensor x = at::ones({2, 4});
  EXPECT_TRUE(at::equal(run(trace(net, {Input::fixed({2, 4})}), {x})[0], x * 3));
}

TEST(NnModule, MembersThatNothingIsComputedWithMayChange) {
  struct : torch::nn::Module {
    at::Tensor forward(const at::Tensor& x) {
      ++calls;
      if (width == 0) width = x.sym_size(1).expect_int();
      return x / width;
    }
    int calls = 0;
    int64_t width = 0;
  } net;
  const Program program = trace(net, {Input::dynamic({1, 4}, {2, 4}, {8, 4})});
  EXPECT_EQ(net.calls, 0);
  EXPECT_TRUE(at::allclose(run(program, {at::ones({3, 4})})[0], at::full({3, 4}, 0.25)));
}

TEST(NnModule, MembersThatStayWhatTheyAreMayBeWrittenInTurn) {
  struct Turned : Pair {
    at::Tensor forward(const at::Tensor& x) {
      const at::Tensor kept = a.clone();
      a.copy_(b);
      b.copy_(kept);
      return x + a - 2 * b;
    }
  } net, eager;
  const Program program = trace(net, {Input::fixed({2, 4})});
  const CompiledProgram compiled = compile(program);
  for (int i = 0; i < 3; ++i) {
    const at::Tensor x = torch::randn({2, 4});
    EXPECT_TRUE(at::allclose(compiled.run({x}).at(0), eager.forward(x)));
  }
}

TEST(NnModule, SetDataOfAMemberIsRefused) {
  struct : torch::nn::Module {
    at::Tensor forward(const at::Tensor& x) {
      memory.set_data(x * 2);
      return memory + x;
    }
    at::Tensor memory = register_buffer("memory", torch::zeros({2, 4}));
  } net;
  const Input x = Input::fixed({2, 4});
  EXPECT_NE(message_of<UnsupportedOperator>([&] { trace(net, {x}); }).find("set_data()"), std::string::npos);
  EXPECT_TRUE(at::equal(net.memory, at::zeros({2, 4})));
}

TEST(NnModule, SeedsInForwardAreRefused) {
  torch::manual_seed(1);
  const auto forward = [](const Tensors& in) {
    torch::manual_seed(2);
    return Tensors{in[0] + at::rand({4})};
  };
  const Input x = Input::fixed({2, 4});
  EXPECT_NE(message_of<UnsupportedOperator>([&] { trace(forward, {x}); }).find("seeds"), std::string::npos);
  const at::Tensor drawn = at::rand({4});
  torch::manual_seed(1);
  EXPECT_TRUE(at::equal(drawn, at::rand({4})));
}

TEST(NnModule, OtherThreadsMayDrawNumbersMeanwhile) {
  int calls = 0;
  const auto forward = [&](const Tensors& in) {
    ++calls;
    std::thread([] { at::rand({4}); }).join();
    return Tensors{in[0] + 1};
  };
  torch::manual_seed(1);
  trace(forward, {Input::fixed({2, 4})});
  const at::Tensor next = at::rand({4});
  torch::manual_seed(1);
  for (; calls > 0; --calls) at::rand({4});  // what the other thread has drawn isn't drawn again
  EXPECT_TRUE(at::equal(next, at::rand({4})));
}

TEST(NnModule, SeedsThatAreTheSameAsBeforeAreRefused) {
  torch::manual_seed(2);
  at::rand({4});
  const auto forward = [](const Tensors& in) {
    torch::manual_seed(2);
    return Tensors{in[0] + at::rand({4})};
  };
  EXPECT_NE(message_of<UnsupportedOperator>([&] { trace(forward, {Input::fixed({2, 4})}); }).find("seeds"),
            std::string::npos);
}

TEST(NnModule, OtherThreadsThanTheTracesAreRefused) {
  std::string message;
  const auto forward = [&](const Tensors& in) {
    std::thread([&] { message = message_of<Error>([&] { at::sin(in[0]); }); }).join();
    return in;
  };
  trace(forward, {Input::fixed({2, 4})});
  EXPECT_NE(message.find("another thread"), std::string::npos) << message;
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
