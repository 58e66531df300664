// What a program loses on its way to an engine, and what it keeps.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/triu.h>
#include <gtest/gtest.h>

#include "compile/prepare.h"
#include "ir/copy.h"
#include "ir/passes/common_subexpressions.h"
#include "ir/passes/constant_folding.h"
#include "ir/passes/dead_nodes.h"
#include "ir/verify.h"
#include "small_graph.h"
#include "tracejet/compile.h"
#include "tracejet/trace.h"

namespace tracejet {
namespace {

using testing::calls_of;
using testing::only;
using testing::SmallGraph;
using Tensors = std::vector<at::Tensor>;

/// Of x: float[rows in 1..8, 3].
Program traced_rows(const std::function<Tensors(const at::Tensor&)>& forward) {
  return trace([&](const Tensors& inputs) { return forward(inputs[0]); },
               {Input::dynamic({1, 3}, {4, 3}, {8, 3}, at::kFloat, "x")});
}

std::shared_ptr<const Graph> prepared(const Program& program) {
  auto graph = prepared_for_engines(*program.graph());
  verify_graph(*graph);
  return graph;
}

std::string calls_for_engines(const Program& program) { return calls_of(*prepared(program)); }

TEST(CommonSubexpressions, AreComputedOnce) {
  SmallGraph small;
  const Value& x = small.input();
  const Node& first = small.unary("aten::exp", x);
  const Node& second = small.unary("aten::exp", x);
  small.output(
      only(small.sum(only(small.unary("aten::neg", only(first))), only(small.unary("aten::neg", only(second))))));
  run_pass(kMergeCommonSubexpressions, *small.graph);
  EXPECT_EQ(calls_of(*small.graph), "aten::exp aten::neg aten::add");
}

TEST(CommonSubexpressions, OfOtherNumbersAreOthers) {
  const auto program = traced_rows([](const at::Tensor& x) {
    const at::Tensor a = x + 1, b = x + 1.5, c = x + 1, d = x.add(1, 2);
    return Tensors{a * b * c * d};
  });
  EXPECT_EQ(calls_for_engines(program), "aten::add aten::add aten::add aten::mul aten::mul aten::mul");
}

TEST(CommonSubexpressions, ThatAreRandomStay) {
  const auto program = traced_rows([](const at::Tensor& x) { return Tensors{at::rand_like(x) + at::rand_like(x)}; });
  EXPECT_EQ(calls_for_engines(program), "aten::rand aten::rand aten::add");
}

TEST(CommonSubexpressions, OfOneMaskHaveOneSize) {
  const auto program = traced_rows([](const at::Tensor& x) { return Tensors{at::nonzero(x) + 1, at::nonzero(x) + 2}; });
  EXPECT_EQ(calls_for_engines(program), "aten::nonzero aten::add aten::add");
  const auto compiled = compile(program, {.engine = "aten"});
  const Tensors results = compiled.run({at::eye(3)});
  EXPECT_TRUE(at::equal(results[0], at::nonzero(at::eye(3)) + 1));
  EXPECT_TRUE(at::equal(results[1], at::nonzero(at::eye(3)) + 2));
}

TEST(CommonSubexpressions, ThatAreGivenAreTensorsOfTheirOwn) {
  const auto compiled =
      compile(traced_rows([](const at::Tensor& x) { return Tensors{x + 1, x + 1, (x + 1) * 2}; }), {.engine = "aten"});
  const Tensors results = compiled.run({at::ones({2, 3})});
  results[0].zero_();
  EXPECT_TRUE(at::equal(results[1], at::full({2, 3}, 2.0)));
  EXPECT_TRUE(at::equal(results[2], at::full({2, 3}, 4.0)));
}

TEST(FoldedConstants, AreWhatFollowsFromNumbers) {
  const auto forward = [](const at::Tensor& x) {
    const at::Tensor mask = at::triu(at::full({3, 3}, -1.0), 1).sum(0), places = at::arange(3);
    return Tensors{x + mask, x * places};
  };
  const auto program = traced_rows(forward);
  const auto graph = prepared(program);
  EXPECT_EQ(calls_of(*graph), "aten::add aten::mul");
  EXPECT_EQ(graph->inputs().size(), 3u);
  EXPECT_EQ(program.graph()->inputs().size(), 1u) << "the original stays";
  const at::Tensor x = at::randn({5, 3});
  const Tensors results = compile(program, {.engine = "aten"}).run({x}), expected = forward(x);
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(at::equal(results[i], expected[i]));
}

TEST(FoldedConstants, ThatAreGivenAreMadeInEachRun) {
  const auto compiled = compile(traced_rows([](const at::Tensor& x) {
                                  const at::Tensor positions = at::arange(3);
                                  return Tensors{x + positions, positions, positions.view({1, 3})};
                                }),
                                {.engine = "aten"});
  for (int run = 0; run < 2; ++run) {
    const Tensors results = compiled.run({at::ones({2, 3})});
    EXPECT_TRUE(at::equal(results[1], at::arange(3)));
    EXPECT_TRUE(at::equal(results[2].view({3}), at::arange(3)));
    results[1].zero_();
    results[2].zero_();
  }
}

TEST(FoldedConstants, AreNoTensorsOfTheModel) {
  const at::Tensor scale = at::ones({3});
  const auto compiled =
      compile(traced_rows([&](const at::Tensor& x) { return Tensors{x * (scale + 1)}; }), {.engine = "aten"});
  EXPECT_TRUE(at::equal(compiled.run({at::ones({4, 3})})[0], at::full({4, 3}, 2.0)));
  scale.fill_(2);
  EXPECT_TRUE(at::equal(compiled.run({at::ones({4, 3})})[0], at::full({4, 3}, 3.0)));
}

/// After folding what follows from all tensors of the model.
std::string calls_with_fixed_weights(const Program& program) {
  const std::shared_ptr<Graph> graph = copy_with_outputs(*program.graph(), {}).graph;
  fold_weights(*graph, [&](const Value& value) -> std::optional<at::Tensor> {
    const auto found = std::ranges::find(graph->inputs(), &value, &GraphInput::value);
    return found != graph->inputs().end() && found->data.defined() ? std::optional(found->data) : std::nullopt;
  });
  eliminate_dead_nodes(*graph);
  verify_graph(*graph);
  return calls_of(*graph);
}

TEST(FoldedConstants, AreWhatIsPickedOfFixedWeights) {
  const at::Tensor table = at::randn({5, 3}), places = at::tensor({4, 0, 4}), weight = at::randn({3});
  EXPECT_EQ(calls_with_fixed_weights(traced_rows([&](const at::Tensor& x) {
              return Tensors{x + at::index_select(table, 0, places).view({9}).slice(0, 0, 3)};
            })),
            "aten::add");
  EXPECT_EQ(
      calls_with_fixed_weights(traced_rows([&](const at::Tensor& x) { return Tensors{x + weight.view({1, 3})}; })),
      "aten::view aten::add")
      << "a view isn't a tensor of its own";
}

}  // namespace
}  // namespace tracejet
