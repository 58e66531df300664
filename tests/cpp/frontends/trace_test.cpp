// Traces of plain C++ code, without Python.
#include <ATen/TensorOperators.h>
#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "ir/graph.h"
#include <tracejet/error.h>
#include <tracejet/program.h>
#include <tracejet/trace.h>

namespace tracejet {
namespace {

TEST(Trace, RecordsWhatCodeCallsOnTensors) {
  const at::Tensor weight = at::ones({4, 3});
  const Program program = trace(
      [&](const std::vector<at::Tensor>& inputs) {
        return std::vector<at::Tensor>{at::linear(inputs[0], weight).relu()};
      },
      {Input::fixed({2, 3})}, {{{"weight", weight}}, {}});
  const Graph& graph = *program.graph();
  ASSERT_EQ(graph.inputs().size(), 2u);
  EXPECT_EQ(graph.inputs()[0].name, "weight");
  EXPECT_TRUE(graph.inputs()[0].data.is_same(weight));
  EXPECT_EQ(graph.inputs()[1].name, "input_0");
  ASSERT_EQ(graph.outputs().size(), 1u);
  EXPECT_EQ(graph.outputs()[0].value->tensor().str(), "float32[2, 4]");
  EXPECT_EQ(graph.nodes().back().op().operator_name().name, "aten::relu");
}

TEST(Trace, KeepsDynamicAxesSymbolic) {
  const Program program = trace(
      [](const std::vector<at::Tensor>& inputs) { return std::vector<at::Tensor>{at::cat({inputs[0], inputs[0]}, 0)}; },
      {Input::dynamic({1, 3}, {4, 3}, {9, 3}, at::kFloat, "x")});
  EXPECT_EQ(program.graph()->outputs()[0].value->tensor().str(), "float32[2*x_0, 3]");
}

TEST(Trace, KeepsWhatLiesInMemoryOfSomebodyElses) {
  std::vector<float> table{1, 2, 3};
  const Program program = trace(
      [&](const std::vector<at::Tensor>& inputs) {
        return std::vector<at::Tensor>{inputs[0] * at::from_blob(table.data(), {3})};
      },
      {Input::fixed({3})});
  table = {0, 0, 0};
  EXPECT_TRUE(at::equal(run(program, {at::ones({3})}).at(0), at::tensor({1.F, 2.F, 3.F})));
}

TEST(Trace, JoinsAxesThatShareADimension) {
  Input x = Input::dynamic({1, 3}, {4, 3}, {9, 3}, at::kFloat, "x");
  Input y = x;
  x.shared_dims = y.shared_dims = {{0, "batch"}};
  y.name = "y";
  const auto add = [](const std::vector<at::Tensor>& inputs) { return std::vector<at::Tensor>{inputs[0] + inputs[1]}; };
  EXPECT_EQ(trace(add, {x, y}).graph()->outputs()[0].value->tensor().str(), "float32[batch, 3]");
  y.max_shape = {12, 3};
  EXPECT_THROW(trace(add, {x, y}), InvalidInput);
  y.shared_dims.clear();
  EXPECT_THROW(trace(add, {x, y}), ConstraintViolation);
}

TEST(Trace, TurnsWritesIntoValues) {
  const at::Tensor count = at::ones({3});
  const Program program = trace(
      [&](const std::vector<at::Tensor>& inputs) {
        at::Tensor total = count;
        total.add_(inputs[0]);
        return std::vector<at::Tensor>{total * 2};
      },
      {Input::fixed({3})}, {{}, {{"count", count}}});
  ASSERT_EQ(program.graph()->outputs().size(), 2u);
  EXPECT_EQ(program.graph()->outputs()[0].kind, GraphOutput::Kind::kBufferMutation);
  EXPECT_TRUE(count.equal(at::ones({3})));
}

TEST(Trace, TakesADeviceThatIsNotThere) {
  Input x = Input::fixed({2, 3}, at::kFloat, "x");
  x.device = c10::Device(c10::kCUDA);
  const Program program = trace(
      [](const std::vector<at::Tensor>& inputs) {
        return std::vector{inputs[0] + at::ones({3}, inputs[0].options()), at::ones({3}).to(c10::kCUDA)};
      },
      {x});
  for (const GraphOutput& output : program.graph()->outputs()) {
    EXPECT_EQ(output.value->tensor().device, c10::Device(c10::kCUDA, 0));
  }
}

TEST(Trace, RefusesTensorsOnTwoDevices) {
  Input x = Input::fixed({2, 3}, at::kFloat, "x");
  x.device = c10::Device(c10::kCUDA);
  EXPECT_THROW(trace([](const std::vector<at::Tensor>& inputs) { return std::vector{inputs[0] + at::ones({3})}; }, {x}),
               ShapeError);
}

TEST(Trace, RefusesInputsThatChangeTheirShape) {
  const auto forward = [](const std::vector<at::Tensor>& inputs) {
    const at::Tensor x = inputs[0];
    return std::vector{x.unsqueeze_(0) + 1};
  };
  EXPECT_THROW(trace(forward, {Input::fixed({2, 3})}), UnsupportedOperator);
}

TEST(Trace, LeavesTheThreadAsItWasAfterAnError) {
  const auto fail = [](const std::vector<at::Tensor>& inputs) -> std::vector<at::Tensor> {
    inputs[0].relu();
    throw InvalidInput("the model gives up");
  };
  EXPECT_THROW(trace(fail, {Input::fixed({3})}), InvalidInput);
  EXPECT_TRUE(at::relu(at::ones({2})).equal(at::ones({2})));
}

TEST(Trace, RefusesInputsThatContradictThemselves) {
  const auto identity = [](const std::vector<at::Tensor>& inputs) { return inputs; };
  EXPECT_THROW(trace(identity, {Input::dynamic({4}, {2}, {9})}), InvalidInput);
  EXPECT_THROW(trace(identity, {Input::dynamic({1, 1}, {2}, {9})}), InvalidInput);
}

}  // namespace
}  // namespace tracejet
