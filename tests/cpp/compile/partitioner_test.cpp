// Which engine gets what of a program that is split.
#include "compile/partition/partitioner.h"

#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "ir/verify.h"
#include "picky_engine.h"
#include "small_graph.h"

namespace tracejet {
namespace {

using testing::only;
using testing::parts_of;
using testing::picky;
using testing::reference;
using testing::says;
using testing::SmallGraph;

PartitionPlan plan_of(const std::shared_ptr<const Graph>& graph, const std::set<std::string>& taken,
                      size_t min_block_size = 1) {
  const auto engine = picky(taken);
  Partitioner partitioner(graph, {engine, reference()}, min_block_size);
  partitioner.refuse(0, engine->find_unsupported(graph, {}, {}));
  PartitionPlan plan = partitioner.plan();
  for (const Part& part : plan.parts) verify_graph(*part.graph);
  return plan;
}

TEST(Partitioner, GivesAWholeProgramToTheEngineThatTakesIt) {
  SmallGraph small;
  small.output(only(small.unary("aten::relu", small.input())));
  const PartitionPlan plan = plan_of(small.graph, {"aten::relu"}, 5);
  EXPECT_TRUE(plan.is_whole());
  EXPECT_EQ(plan.engines(), "picky");
  EXPECT_TRUE(plan.fallbacks.empty());
}

TEST(Partitioner, MakesPartsAsLargeAsTheyCanBeWithoutCircles) {
  SmallGraph small;
  const Value& x = small.input();
  const Value& a = only(small.unary("aten::relu", x));
  const Value& b = only(small.unary("aten::exp", a));  // refused
  const Value& c = only(small.unary("aten::neg", a));  // needs nothing refused
  const Value& d = only(small.unary("aten::neg", b));  // needs what is refused
  small.output(only(small.sum(c, d)));
  const PartitionPlan plan = plan_of(small.graph, {"aten::relu", "aten::neg", "aten::add"});
  EXPECT_EQ(parts_of(plan), "picky: aten::relu aten::neg | aten: aten::exp | picky: aten::neg aten::add");
  ASSERT_EQ(plan.fallbacks.size(), 1);
  EXPECT_EQ(plan.fallbacks[0].engine, "aten");
  EXPECT_EQ(plan.fallbacks[0].reason, "isn't picked");
  EXPECT_EQ(plan.parts[0].inputs, std::vector<const Value*>{&x});
  EXPECT_EQ(plan.parts[0].outputs, (std::vector<const Value*>{&a, &c}));
  EXPECT_EQ(plan.parts[1].inputs, std::vector<const Value*>{&a});
  EXPECT_EQ(plan.parts[2].inputs, (std::vector<const Value*>{&b, &c}));
}

TEST(Partitioner, BeginsWithTheEngineThatNeedsFewerParts) {
  SmallGraph small;
  const Value& x = small.input();
  const Value& refused = only(small.unary("aten::exp", x));
  const Value& taken = only(small.unary("aten::neg", x));
  small.output(only(small.sum(refused, taken)));
  EXPECT_EQ(parts_of(plan_of(small.graph, {"aten::neg", "aten::add"})), "aten: aten::exp | picky: aten::neg aten::add");
}

TEST(Partitioner, LeavesSmallBlocksToTheNextEngine) {
  SmallGraph small;
  const Value& a = only(small.unary("aten::exp", small.input()));
  const Value& b = only(small.unary("aten::neg", a));
  const Value& c = only(small.unary("aten::exp", b));
  const Value& d = only(small.unary("aten::neg", only(small.unary("aten::neg", c))));
  small.output(d);
  const PartitionPlan plan = plan_of(small.graph, {"aten::neg"}, 2);
  EXPECT_EQ(parts_of(plan), "aten: aten::exp aten::neg aten::exp | picky: aten::neg aten::neg");
  EXPECT_TRUE(says(plan.fallbacks[1].reason, "in a block of 1, fewer than min_block_size (2)"));
  EXPECT_EQ(parts_of(plan_of(small.graph, {"aten::neg"}, 3)),
            "aten: aten::exp aten::neg aten::exp aten::neg aten::neg");
}

TEST(Partitioner, RunsWhatIsMadeOfWeightsWhereItIsNeeded) {
  SmallGraph small;
  const Value& weight =
      *small.graph->add_input(GraphInput::Kind::kParameter, testing::dense({3}), "weight", at::ones({3}));
  const Value& x = small.input();
  const Value& ready = only(small.graph->add_node(testing::op("aten::neg"), {&weight}, {testing::dense({3})}, {}));
  small.output(only(small.sum(only(small.unary("aten::exp", x)), ready)));
  EXPECT_EQ(parts_of(plan_of(small.graph, {"aten::neg", "aten::add"})), "aten: aten::exp | picky: aten::neg aten::add");
}

TEST(Partitioner, ComputesWhatIsMadeOfWeightsInEachPartThatNeedsIt) {
  SmallGraph small;
  const Value& weight =
      *small.graph->add_input(GraphInput::Kind::kParameter, testing::dense({3}), "weight", at::ones({3}));
  const Value& x = small.input();
  const Value& ready = only(small.graph->add_node(testing::op("aten::neg"), {&weight}, {testing::dense({3})}, {}));
  const Value& first = only(small.sum(x, ready));
  small.output(only(small.sum(only(small.unary("aten::exp", first)), ready)));
  const PartitionPlan plan = plan_of(small.graph, {"aten::neg", "aten::add"});
  EXPECT_EQ(parts_of(plan), "picky: aten::neg aten::add | aten: aten::exp | picky: aten::neg aten::add");
  EXPECT_EQ(plan.parts[0].outputs, std::vector<const Value*>{&first});
  ASSERT_EQ(plan.parts[2].inputs.size(), 2);
  EXPECT_EQ(plan.parts[2].inputs[0], &weight);
  EXPECT_EQ(plan.parts[2].weight_bytes(), 12);
}

TEST(Partitioner, KeepsTheOrderOfEffects) {
  SmallGraph small;
  const Value& x = small.input();
  const auto random = [&](const Value& like) -> const Value& {
    return only(small.graph->add_node(testing::op("aten::rand_like"), {&like, {}, {}, {}, {}, {}},
                                      {testing::dense({small.rows, 3})}, {}));
  };
  const Value& first = random(x);  // taken
  const Value& second = only(      // refused
      small.graph->add_node(testing::op("aten::bernoulli"), {&x, {}}, {testing::dense({small.rows, 3})}, {}));
  const Value& third = random(x);
  small.output(first), small.output(second), small.output(third);
  EXPECT_EQ(parts_of(plan_of(small.graph, {"aten::rand_like"})),
            "picky: aten::rand_like | aten: aten::bernoulli | picky: aten::rand_like");
}

}  // namespace
}  // namespace tracejet
