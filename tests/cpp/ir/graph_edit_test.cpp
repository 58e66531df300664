// What passes do to a graph: each edit, and what each refuses.
#include <gtest/gtest.h>

#include "base/error.h"
#include "ir/passes/dead_nodes.h"
#include "ir/verify.h"
#include "small_graph.h"

namespace tracejet {
namespace {

using testing::calls_of;
using testing::dense;
using testing::error_of;
using testing::only;
using testing::op;
using testing::says;
using testing::SmallGraph;

std::vector<const Node*> users_of(const Value& value) { return {value.users().begin(), value.users().end()}; }

TEST(GraphEdit, AValueKnowsEachNodeThatReadsItOnce) {
  SmallGraph small;
  const Value& x = small.input();
  const Node& relu = small.unary("aten::relu", x);
  const Node& doubled = small.sum(only(relu), only(relu));
  const Node& sum = small.sum(x, only(doubled));
  const Node& joined = small.graph->add_node(op("aten::cat"), {std::vector<const Value*>{&x, &only(sum), &x}, 0},
                                             {dense({3 * small.rows, 3})}, {});
  EXPECT_EQ(users_of(x), (std::vector<const Node*>{&relu, &sum, &joined}));
  EXPECT_EQ(users_of(only(relu)), std::vector<const Node*>{&doubled});
  EXPECT_EQ(users_of(only(sum)), std::vector<const Node*>{&joined});
  EXPECT_TRUE(users_of(only(joined)).empty());
  verify_graph(*small.graph);
}

TEST(GraphEdit, InsertsInFrontOfANode) {
  SmallGraph small;
  const Value& x = small.input();
  const Node& relu = small.unary("aten::relu", x);
  small.output(only(relu));
  const Node& added = small.graph->insert_node(relu, op("aten::neg"), {&x}, {dense({small.rows, 3})}, {});
  EXPECT_EQ(calls_of(*small.graph), "aten::neg aten::relu");
  EXPECT_EQ(users_of(x), (std::vector<const Node*>{&relu, &added}));
  verify_graph(*small.graph);
}

TEST(GraphEdit, ReplacesAValueInNodesListsAndOutputs) {
  SmallGraph small;
  const Value& x = small.input();
  const Node& relu = small.unary("aten::relu", x);
  const Node& sum = small.sum(only(relu), only(relu));
  const Node& joined = small.graph->add_node(op("aten::cat"), {std::vector<const Value*>{&only(relu), &x}, 0},
                                             {dense({2 * small.rows, 3})}, {});
  small.output(only(relu));
  small.graph->replace_all_uses(only(relu), x);
  EXPECT_TRUE(users_of(only(relu)).empty());
  EXPECT_EQ(users_of(x), (std::vector<const Node*>{&relu, &joined, &sum}));
  EXPECT_EQ(small.graph->outputs().front().value, &x);
  verify_graph(*small.graph);
}

TEST(GraphEdit, WhatIsComputedFromAValueCanStandForIt) {
  SmallGraph small;
  const Value& x = small.input();
  const Node& relu = small.unary("aten::relu", x);
  small.output(only(relu));
  const Node& neg = small.graph->insert_node(relu, op("aten::neg"), {&x}, {dense({small.rows, 3})}, {});
  small.graph->replace_all_uses(x, only(neg));
  EXPECT_EQ(users_of(x), std::vector<const Node*>{&neg});
  EXPECT_EQ(users_of(only(neg)), std::vector<const Node*>{&relu});
  verify_graph(*small.graph);
}

TEST(GraphEdit, NothingOfAnotherDtypeOrSizeStandsForAValue) {
  SmallGraph small;
  const Value& x = small.input();
  const Node& relu = small.unary("aten::relu", x);
  const Value& wide = *small.graph->add_input(GraphInput::Kind::kUser, dense({small.rows, 4}), "wide");
  const Value& whole = *small.graph->add_input(GraphInput::Kind::kUser, dense({small.rows, 3}, at::kLong), "whole");
  const auto replace = [&](const Value& by) { return [&] { small.graph->replace_all_uses(x, by); }; };
  EXPECT_EQ(error_of(replace(wide)),
            "the graph can't be changed so: %2 (float32[rows, 4]) can't stand for %0 (float32[rows, 3])");
  EXPECT_EQ(error_of(replace(whole)),
            "the graph can't be changed so: %3 (int64[rows, 3]) can't stand for %0 (float32[rows, 3])");
  EXPECT_EQ(users_of(x), std::vector<const Node*>{&relu});
}

TEST(GraphEdit, ErasesWhatNobodyReads) {
  SmallGraph small;
  const Value& x = small.input();
  const Node& relu = small.unary("aten::relu", x);
  const Node& neg = small.unary("aten::neg", only(relu));
  small.output(x);
  small.graph->erase(neg);
  small.graph->erase(relu);
  EXPECT_EQ(calls_of(*small.graph), "");
  EXPECT_TRUE(users_of(x).empty());
  verify_graph(*small.graph);
}

TEST(GraphEdit, ErasesNothingThatIsRead) {
  SmallGraph small;
  const Value& x = small.input();
  const Node& relu = small.unary("aten::relu", x);
  const Node& neg = small.unary("aten::neg", only(relu));
  small.output(only(neg));
  EXPECT_EQ(error_of([&] { small.graph->erase(relu); }),
            "the graph can't be changed so: %1: float32[rows, 3] = aten::relu(self=%0) can't go: "
            "%2: float32[rows, 3] = aten::neg(self=%1) reads %1");
  EXPECT_EQ(error_of([&] { small.graph->erase(neg); }),
            "the graph can't be changed so: %2: float32[rows, 3] = aten::neg(self=%1) can't go: "
            "%2 is an output of the graph");
  EXPECT_EQ(calls_of(*small.graph), "aten::relu aten::neg");
}

TEST(GraphEdit, MovesUpAndDownAndToTheEnd) {
  SmallGraph small;
  const Value& x = small.input();
  const Node& relu = small.unary("aten::relu", x);
  const Node& neg = small.unary("aten::neg", x);
  const Node& exp = small.unary("aten::exp", only(relu));
  small.graph->move(neg, &relu);
  EXPECT_EQ(calls_of(*small.graph), "aten::neg aten::relu aten::exp");
  small.graph->move(neg, &exp);
  EXPECT_EQ(calls_of(*small.graph), "aten::relu aten::neg aten::exp");
  small.graph->move(neg, nullptr);
  EXPECT_EQ(calls_of(*small.graph), "aten::relu aten::exp aten::neg");
  small.graph->move(neg, &neg);
  small.graph->move(neg, nullptr);
  EXPECT_EQ(calls_of(*small.graph), "aten::relu aten::exp aten::neg");
  verify_graph(*small.graph);
}

TEST(GraphEdit, MovesNothingPastWhatItNeedsOrWhatNeedsIt) {
  SmallGraph small;
  const Value& x = small.input();
  const Node& relu = small.unary("aten::relu", x);
  const Node& neg = small.unary("aten::neg", only(relu));
  EXPECT_TRUE(says(error_of([&] { small.graph->move(neg, &relu); }),
                   "aten::neg(self=%1) can't stand in front of %1: float32[rows, 3] = aten::relu"));
  EXPECT_TRUE(says(error_of([&] { small.graph->move(relu, nullptr); }),
                   "aten::relu(self=%0) can't stand behind %2: float32[rows, 3] = aten::neg"));
  EXPECT_EQ(calls_of(*small.graph), "aten::relu aten::neg");
}

/// nonzero(x), and zeros of as many elements, which don't take its value.
struct Counted : SmallGraph {
  const Value& x = input();
  const c10::SymInt count = shapes->sym_int(shapes->unbacked("u", {0, 48}));
  const Node& places = graph->add_node(op("aten::nonzero"), {&x}, {dense({count, 2}, at::kLong)}, {});
  const Node& zeros = graph->add_node(
      op("aten::full"),
      {c10::IValue(std::vector<c10::SymInt>{count}), 0.0, c10::IValue(), c10::IValue(), c10::IValue(), c10::IValue()},
      {dense({count})}, {});
};

TEST(GraphEdit, ADataDependentSizeHoldsNodesInTheirOrder) {
  Counted small;
  small.output(only(small.zeros));
  verify_graph(*small.graph);
  EXPECT_TRUE(says(error_of([&] { small.graph->move(small.zeros, &small.places); }), "in front of"));
  EXPECT_TRUE(says(error_of([&] { small.graph->move(small.places, nullptr); }), "behind"));
}

TEST(DeadNodes, KeepWhatTellsADataDependentSize) {
  Counted small;
  small.unary("aten::relu", small.x);
  small.output(only(small.zeros));
  run_pass(kEliminateDeadNodes, *small.graph);
  EXPECT_EQ(calls_of(*small.graph), "aten::nonzero aten::full");
}

TEST(DeadNodes, GoInChains) {
  Counted small;
  small.unary("aten::neg", only(small.unary("aten::relu", small.x)));
  small.output(small.x);
  run_pass(kEliminateDeadNodes, *small.graph);
  EXPECT_EQ(calls_of(*small.graph), "");
}

TEST(Pass, SaysAfterWhichTheGraphIsWrong) {
  Counted small;
  small.output(only(small.zeros));
  const Pass broken{"forget_the_count", [](Graph& graph) { graph.erase(graph.nodes().front()); }};
  EXPECT_EQ(error_of([&] { run_pass(broken, *small.graph); }).substr(0, 61),
            "after the pass forget_the_count: the graph is wrong, which is");
}

}  // namespace
}  // namespace tracejet
