// What the ONNX model of a small program looks like: cheap for engines, and without copies.
#include <algorithm>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "helpers.h"
#include "ir/graph.h"
#include "lowering/onnx/lower_graph.h"
#include "small_graph.h"
#include "symbolic/context.h"

namespace tracejet {
namespace {

using testing::dense;

class OnnxLowering : public ::testing::Test {
 protected:
  c10::SymInt symbol(const char* name, int64_t min = 2) {
    return shapes_->sym_int(shapes_->symbol(name, {min, 64}, 8));
  }

  const Value* input(const char* name, Sizes sizes) {
    return graph_->add_input(GraphInput::Kind::kUser, dense(std::move(sizes)), name);
  }
  const Value* weight(const char* name, const at::Tensor& data) {
    return graph_->add_input(GraphInput::Kind::kParameter, testing::meta_of(data), name, data);
  }
  const Value* call(const char* name, std::vector<Argument> arguments, Sizes sizes) {
    const auto op = c10::Dispatcher::singleton().findSchemaOrThrow(name, "");
    return graph_->add_node(op, std::move(arguments), {dense(std::move(sizes))}, {}).outputs().front();
  }
  void output(const Value* value) { graph_->add_output({GraphOutput::Kind::kUser, value, {}, 0}); }

  onnx::Model lower(std::vector<size_t> feeds) { return onnx::lower(*graph_, feeds); }

  static std::vector<std::string> operators(const onnx::Model& model) {
    std::vector<std::string> names;
    for (const auto& node : model.nodes) names.push_back(node.op);
    return names;
  }

  std::shared_ptr<symbolic::Context> shapes_ = symbolic::Context::create();
  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>(shapes_);
};

using Names = std::vector<std::string>;

TEST_F(OnnxLowering, NamesWeightsWithoutCopyingThem) {
  const at::Tensor data = at::randn({512, 512});
  const Value* x = input("x", {4, 512});
  output(call("aten::mm", {x, weight("weight", data)}, {4, 512}));
  const onnx::Model model = lower({0});
  ASSERT_EQ(model.weights.size(), 1U);
  EXPECT_EQ(model.weights[0].name, "weight");
  EXPECT_EQ(model.weights[0].data.const_data_ptr(), data.const_data_ptr());
  EXPECT_LT(model.serialize(onnx::WeightForm::kInputs).size(), 1000U);
  EXPECT_LT(model.serialize(onnx::WeightForm::kReferences, "weights").size(), 1000U);
  EXPECT_GT(model.serialize(onnx::WeightForm::kEmbedded).size(), data.nbytes());
}

TEST_F(OnnxLowering, TakesTransposedWeightsAsTheyLieInMemory) {
  const Value* x = input("x", {4, 16});
  const Value* turned =
      call("aten::permute", {weight("weight", at::randn({32, 16})), std::vector<int64_t>{1, 0}}, {16, 32});
  output(call("aten::mm", {x, turned}, {4, 32}));
  const onnx::Model model = lower({0});
  EXPECT_EQ(operators(model), (Names{"Gemm", "Identity"}));
  EXPECT_EQ(std::get<int64_t>(model.nodes[0].attributes[1].value), 1) << "transB";
}

TEST_F(OnnxLowering, ReshapesWithoutComputingSizes) {
  const c10::SymInt batch = symbol("batch");
  const c10::SymInt length = symbol("length");
  const Value* x = input("x", {batch, length, 12});
  const std::vector<c10::SymInt> heads{batch, length, 3, 4};
  const Value* split = call("aten::view", {x, c10::IValue(heads)}, {batch, length, 3, 4});
  const std::vector<c10::SymInt> flat{batch * length, 12};
  output(call("aten::view", {split, c10::IValue(flat)}, {batch * length, 12}));
  EXPECT_EQ(operators(lower({0})), (Names{"Reshape", "Reshape", "Identity"}));
}

TEST_F(OnnxLowering, InfersNoSizeOfWhatMayBeEmpty) {
  const c10::SymInt batch = symbol("batch", /*min=*/0);
  const Value* x = input("x", {batch, 6});
  const std::vector<c10::SymInt> flat{batch * 6};
  output(call("aten::view", {x, c10::IValue(flat)}, {batch * 6}));
  const Names names = operators(lower({0}));
  EXPECT_EQ(std::ranges::count(names, "Shape"), 1) << "-1 would stand for 0 / 0";
}

TEST_F(OnnxLowering, LeavesOutWhatNoOutputNeeds) {
  const Value* x = input("x", {4});
  call("aten::exp", {x}, {4});
  output(call("aten::relu", {x}, {4}));
  EXPECT_EQ(operators(lower({0})), (Names{"Relu", "Identity"}));
}

TEST_F(OnnxLowering, SaysWhichInputsAreUsed) {
  const Value* x = input("x", {4});
  input("y", {4});
  output(call("aten::relu", {x}, {4}));
  const onnx::Model model = lower({0, 1});
  EXPECT_TRUE(model.inputs[0].is_used);
  EXPECT_FALSE(model.inputs[1].is_used);
}

TEST_F(OnnxLowering, RefusesDoublePrecisionWhereTheTargetHasNone) {
  const Value* x = graph_->add_input(GraphInput::Kind::kUser, dense({4}, at::kDouble), "x");
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("aten::relu", "");
  output(graph_->add_node(op, {x}, {dense({4}, at::kDouble)}, {}).outputs().front());
  EXPECT_NO_THROW(onnx::lower(*graph_, {0}));
  EXPECT_THROW(onnx::lower(*graph_, {0}, {.name = "single", .float64 = false}), UnsupportedOperator);
}

}  // namespace
}  // namespace tracejet
