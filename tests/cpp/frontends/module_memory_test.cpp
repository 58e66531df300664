// What C++ code keeps from call to call (members, seeds, what other threads do) is the program's too, or refused.
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "frontends/nn_models.h"
#include "message_of.h"
#include <tracejet/compile.h>
#include <tracejet/nn_module.h>
#include <tracejet/program.h>

namespace tracejet {
namespace {
struct OnlyCopiedInName;
}  // namespace

template <>
inline constexpr bool kKeepsMembers<OnlyCopiedInName> = false;

namespace {

using testing::message_of;
using Tensors = std::vector<at::Tensor>;

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

TEST(NnModule, AWeightThatWasWrittenToAfterTheCompilationIsAnError) {
  torch::nn::Linear linear(4, 3);
  const Input rows = Input::dynamic({1, 4}, {2, 4}, {8, 4}, at::kFloat, "rows");
  for (const char* engine : {"openvino", "aten"}) {
    const CompiledProgram compiled = compile(trace(linear, {rows}), {.engine = engine});
    const at::Tensor x = at::randn({3, 4});
    const torch::NoGradGuard no_grad;
    EXPECT_TRUE(at::allclose(compiled.run({x}).at(0), linear->forward(x), 1e-4, 1e-5)) << engine;
    linear->bias.add_(1);
    const std::string message = message_of<InvalidInput>([&] { compiled.run({x}); });
    EXPECT_EQ(message.find("bias was written to after the program was compiled"), 0U) << message;
  }
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
}  // namespace
}  // namespace tracejet
