// What a trace does with operators, chosen from C++.
#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>
#include <gtest/gtest.h>

#include "ir/graph.h"
#include <tracejet/error.h>
#include <tracejet/trace.h>

namespace tracejet {
namespace {

std::vector<std::string> recorded(DecompositionTable table) {
  const at::Tensor weight = at::ones({3, 3});
  const auto forward = [&](const std::vector<at::Tensor>& inputs) {
    const at::Tensor x = at::layer_norm(at::silu(at::linear(inputs[0], weight)), {3});
    return std::vector<at::Tensor>{at::scaled_dot_product_attention(x, x, x)};
  };
  const Program program =
      trace(forward, {Input::dynamic({1, 2, 3}, {4, 2, 3}, {9, 2, 3})}, {}, {.decompositions = std::move(table)});
  std::vector<std::string> names;
  for (const Node& node : program.graph()->nodes()) names.push_back(c10::toString(node.op().operator_name()));
  return names;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

using Names = std::vector<std::string>;

TEST(DecompositionTable, NoneKeepsWhatIsCalledAndKnowsItsShapes) {
  const Names expected{"aten::linear", "aten::silu", "aten::layer_norm", "aten::scaled_dot_product_attention"};
  EXPECT_EQ(recorded(DecompositionSet::kNone), expected);
}

TEST(DecompositionTable, CoreAtenExpandsWhatEnginesWantWhole) {
  EXPECT_TRUE(contains(recorded(DecompositionSet::kTensorRT), "aten::scaled_dot_product_attention"));
  EXPECT_TRUE(contains(recorded(DecompositionSet::kCoreAten), "aten::bmm"));
  EXPECT_FALSE(contains(recorded(DecompositionSet::kCoreAten), "aten::scaled_dot_product_attention"));
  EXPECT_FALSE(contains(recorded(DecompositionTable().expand_attention()), "aten::scaled_dot_product_attention"));
}

TEST(DecompositionTable, TakesFunctionsAndLambdasAsReplacements) {
  const double factor = 2;
  const auto scaled_tanh = [factor](const at::Tensor& x) { return at::tanh(x) * factor; };
  EXPECT_TRUE(contains(recorded(DecompositionTable().replace("aten::silu", scaled_tanh)), "aten::tanh"));
  at::Tensor (*const tanh)(const at::Tensor&) = &at::tanh;
  EXPECT_TRUE(contains(recorded(DecompositionTable().replace("aten::silu", tanh)), "aten::tanh"));
  EXPECT_TRUE(contains(recorded(DecompositionTable().keep("aten::silu")), "aten::silu"));
}

TEST(DecompositionTable, RefusesWhatCannotBe) {
  DecompositionTable table;
  const auto two = [](const at::Tensor& x, const at::Tensor&) { return x; };
  EXPECT_THROW(table.replace("aten::silu", two), InvalidInput);
  EXPECT_THROW(table.keep("aten::reshape"), InvalidInput);
  EXPECT_THROW(table.keep("aten::relu_"), InvalidInput);
  EXPECT_THROW(table.keep("aten::nothing"), InvalidInput);
  EXPECT_THROW(table.expand("aten::mm"), InvalidInput);
  EXPECT_FALSE(table.is_edited());
}

TEST(DecompositionTable, RefusesAReplacementThatNeverEnds) {
  const auto itself = [](const at::Tensor& x) { return at::silu(x) + 1; };
  EXPECT_THROW(recorded(DecompositionTable().replace("aten::silu", itself)), UnsupportedOperator);
}

TEST(DecompositionTable, SaysWhatItDoesAndWhy) {
  const DecompositionTable table = DecompositionTable(DecompositionSet::kCoreAten).keep("aten::silu");
  EXPECT_EQ(table.decision("aten::silu").action, OpAction::kKeep);
  EXPECT_EQ(table.decision("aten::silu").why, "as asked for by keep()");
  EXPECT_EQ(table.decision("aten::softplus").action, OpAction::kExpand);
  EXPECT_EQ(table.decision("aten::mm").why, "part of Core ATen");
  EXPECT_NE(table.str().find("aten::silu "), std::string::npos);
}

}  // namespace
}  // namespace tracejet
