// Programs that are lowered anew: they compute what they computed before, from files and from memory.
#include <algorithm>
#include <filesystem>
#include <unistd.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ir/graph.h"
#include "message_of.h"
#include <tracejet/compile.h>
#include <tracejet/control_flow.h>
#include <tracejet/error.h>
#include <tracejet/io.h>
#include <tracejet/program.h>

namespace tracejet {
namespace {

using Tensors = std::vector<at::Tensor>;

const Input kBatchOfRows = Input::dynamic({1, 4}, {4, 4}, {16, 4}, at::kFloat, "x");

Program loaded_again(const Program& program) {
  const auto path = std::filesystem::temp_directory_path() / ("relowered" + std::to_string(::getpid()) + ".pt2");
  save(program, path);
  const Program loaded = load(path);
  std::filesystem::remove(path);
  return loaded;
}

size_t count(const Program& program, const std::string& op) {
  return static_cast<size_t>(std::ranges::count_if(
      program.graph()->nodes(), [&](const Node& node) { return node.op().operator_name().name == op; }));
}

/// At all sizes, and under all sets; also where it comes from a file.
void expect_same_in_all_sets(const Forward& forward, const std::vector<Input>& inputs, const ModelState& state = {}) {
  const Program as_called = trace(forward, inputs, state, {.decompositions = DecompositionSet::kNone});
  for (const Program& program : {as_called, loaded_again(as_called)}) {
    for (const auto set : {DecompositionSet::kTensorRT, DecompositionSet::kCoreAten, DecompositionSet::kNone}) {
      const CompiledProgram lowered = compile(trace(program, {.decompositions = set}), {.engine = "aten"});
      for (const int64_t rows : {1, 2, 4, 9, 16}) {
        Tensors values;
        for (const Input& input : inputs) {
          std::vector<int64_t> shape = input.min_shape;
          if (input.max_shape[0] > input.min_shape[0]) shape[0] = rows;
          values.push_back(at::randn(shape));
        }
        const Tensors expected = forward(values), found = lowered.run(values);
        ASSERT_EQ(found.size(), expected.size());
        for (size_t i = 0; i < found.size(); ++i) {
          EXPECT_TRUE(found[i].sizes() == expected[i].sizes() && at::allclose(found[i], expected[i], 1e-4, 1e-5))
              << rows << " rows, output " << i;
        }
      }
    }
  }
}

TEST(Relowered, ProgramsComputeTheSame) {
  const at::Tensor weight = at::randn({6, 4}), bias = at::randn({6});
  expect_same_in_all_sets(
      [&](const Tensors& x) { return Tensors{at::gelu(at::linear(x[0], weight, bias), "tanh"), x[0] * 2 + 1}; },
      {kBatchOfRows}, {{{"weight", weight}, {"bias", bias}}, {}});
  expect_same_in_all_sets([&](const Tensors& x) { return Tensors{at::cat({x[0], x[0].mul(weight[0])}).flatten()}; },
                          {kBatchOfRows});
}

TEST(Relowered, SizesAreThoseOfTheNewTrace) {
  expect_same_in_all_sets(
      [](const Tensors& x) {
        const c10::SymInt rows = x[0].sym_size(0);
        return Tensors{at::zeros_symint({rows * 2 + 1}), x[0].view_symint({rows / 1, 2, 2}),
                       at::arange(c10::Scalar(rows)) * rows};
      },
      {kBatchOfRows});
  const Input other = Input::dynamic({1, 3}, {2, 3}, {16, 3}, at::kFloat, "y");
  expect_same_in_all_sets([](const Tensors& x) { return Tensors{at::cat({x[0].sum(1), x[1].sum(1)})}; },
                          {kBatchOfRows, other});
}

TEST(Relowered, SizesOfDataAreFollowed) {
  expect_same_in_all_sets(
      [](const Tensors& x) { return Tensors{at::nonzero(x[0] > 0) * 2, x[0].masked_select(x[0] > 0) + 1}; },
      {kBatchOfRows});
}

TEST(Relowered, ControlFlowIsFollowed) {
  const at::Tensor weight = at::randn({4});
  expect_same_in_all_sets(
      [&](const Tensors& x) {
        const Branch then = [&](const Tensors& y) { return Tensors{at::gelu(y[0] * weight)}; };
        const Branch otherwise = [](const Tensors& y) { return Tensors{y[0] - 1}; };
        return cond(x[0].sum() > 0, then, otherwise, {x[0]});
      },
      {kBatchOfRows});
  expect_same_in_all_sets(
      [](const Tensors& x) {
        const Branch goes_on = [](const Tensors& y) { return Tensors{y[1] < 3}; };
        const Branch body = [](const Tensors& y) { return Tensors{y[0] * 2, y[1] + 1}; };
        return while_loop(goes_on, body, {x[0], at::zeros({}, at::kLong)});
      },
      {kBatchOfRows});
}

TEST(Relowered, AttentionIsExpandedWhereTheSetSaysSo) {
  const auto forward = [](const Tensors& x) {
    const at::Tensor heads = x[0].unflatten(1, {2, 2}).unsqueeze(0).transpose(1, 2);
    return Tensors{at::scaled_dot_product_attention(heads, heads, heads).transpose(1, 2).flatten(2)};
  };
  expect_same_in_all_sets(forward, {kBatchOfRows});
  const Program whole = trace(forward, {kBatchOfRows});
  EXPECT_EQ(count(whole, "aten::scaled_dot_product_attention"), 1u);
  EXPECT_EQ(count(trace(whole, {.decompositions = DecompositionSet::kCoreAten}), "aten::scaled_dot_product_attention"),
            0u);
}

TEST(Relowered, BuffersAreWrittenAsBefore) {
  const at::Tensor total = at::zeros({4});
  const auto forward = [&](const Tensors& x) {
    total.add_(x[0].sum(0));
    return Tensors{x[0] + total};
  };
  const Program program = loaded_again(trace(forward, {kBatchOfRows}, {{}, {{"total", total}}}));
  const CompiledProgram lowered = compile(trace(program), {.engine = "aten"});
  const at::Tensor x = at::ones({5, 4});
  lowered.run({x});
  EXPECT_TRUE(at::equal(lowered.run({x}).at(0), x + 10));
  EXPECT_TRUE(at::equal(total, at::zeros({4})));
}

TEST(Relowered, WhatIsWrittenToInputsIsWritten) {
  const Program program = trace([](const Tensors& x) { return Tensors{x[0].mul_(2) + 1}; }, {kBatchOfRows});
  const CompiledProgram lowered = compile(trace(loaded_again(program)), {.engine = "aten"});
  const at::Tensor x = at::ones({3, 4});
  EXPECT_TRUE(at::equal(lowered.run({x}).at(0), at::ones({3, 4}) * 3));
  EXPECT_TRUE(at::equal(x, at::ones({3, 4}) * 2));
}

TEST(Relowered, AssertionsStay) {
  const auto forward = [](const Tensors& x) {
    TORCH_CHECK((x[0].sym_size(0) % 2).sym_eq(0).expect_true(__FILE__, __LINE__));
    return Tensors{x[0].unflatten_symint(0, {-1, 2})};
  };
  const Program program = loaded_again(trace(forward, {kBatchOfRows}));
  const CompiledProgram lowered = compile(trace(program), {.engine = "aten"});
  EXPECT_EQ(lowered.run({at::ones({6, 4})}).at(0).sizes(), at::IntArrayRef({3, 2, 4}));
  EXPECT_THROW(lowered.run({at::ones({5, 4})}), Error);
}

TEST(Relowered, InputsAreDeclaredAsTheyWere) {
  Input x = kBatchOfRows, y = Input::dynamic({1, 4}, {4, 4}, {16, 4}, at::kDouble, "y");
  x.shared_dims = y.shared_dims = {{0, "rows"}};
  const auto add = [](const Tensors& inputs) { return Tensors{inputs[0] + inputs[1]}; };
  const std::vector<Input> inputs = inputs_of(loaded_again(trace(add, {x, y})));
  ASSERT_EQ(inputs.size(), 2u);
  EXPECT_EQ(inputs[1].name, "y");
  EXPECT_EQ(inputs[1].dtype, at::kDouble);
  EXPECT_EQ(inputs[0].min_shape, x.min_shape);
  EXPECT_EQ(inputs[0].max_shape, x.max_shape);
  EXPECT_EQ(inputs[0].shared_dims, inputs[1].shared_dims);
}

TEST(Program, SaysWhatItConsistsOf) {
  const at::Tensor weight = at::randn({3, 4}), total = at::zeros({3});
  const auto forward = [&](const Tensors& in) {
    const at::Tensor y = at::linear(in[0], weight);
    total.add_(y.sum(0));
    return cond(
        y.sum() > 0, [&](const Tensors&) { return Tensors{y + 1}; }, [&](const Tensors&) { return Tensors{y}; }, {});
  };
  const Program program =
      trace(forward, {kBatchOfRows}, {.parameters = {{"weight", weight}}, .buffers = {{"total", total}}},
            {.decompositions = DecompositionSet::kNone});
  const auto tensors = tensors_of(program);
  ASSERT_GE(tensors.size(), 2U);
  EXPECT_EQ(tensors[0].name, "weight");
  EXPECT_EQ(tensors[0].kind, ProgramTensor::Kind::kParameter);
  EXPECT_EQ(tensors[0].data.data_ptr(), weight.data_ptr());
  EXPECT_EQ(tensors[1].name, "total");
  EXPECT_EQ(tensors[1].kind, ProgramTensor::Kind::kBuffer);

  const auto nodes = nodes_of(program);
  const ProgramNode linear = nodes.at(0);
  ASSERT_EQ(linear.op(), "aten::linear");
  const ProgramValue rows = arguments_of(program).at(0);
  EXPECT_EQ(linear.value("input"), rows);
  EXPECT_EQ(linear.arguments().at(1).first, "weight");
  EXPECT_TRUE(std::get<c10::IValue>(linear.argument("bias")).isNone());
  EXPECT_THROW(linear.argument("nothing"), InvalidInput);
  EXPECT_THROW(linear.value("bias"), InvalidInput);
  const ProgramValue y = linear.outputs().at(0);
  EXPECT_EQ(y.str().substr(y.str().find(':')), ": float32[x_0, 3]");
  EXPECT_EQ(y.sizes()[0], rows.sizes()[0]);
  EXPECT_EQ(y.dtype(), at::kFloat);
  EXPECT_EQ(y.producer(), linear);
  EXPECT_FALSE(rows.producer());
  EXPECT_FALSE(y.is_output());
  EXPECT_EQ(std::ranges::count(rows.users(), linear), 1);
  const auto branch = std::ranges::find(nodes, "higher_order::cond", &ProgramNode::op);
  ASSERT_NE(branch, nodes.end());
  EXPECT_TRUE(branch->outputs().at(0).is_output());
  ASSERT_EQ(branch->bodies().size(), 2U);
  const ProgramNode add = branch->bodies()[0].at(0);
  EXPECT_EQ(add.op(), "aten::add.Scalar");
  EXPECT_EQ(std::get<c10::IValue>(add.argument("other")).toInt(), 1);
}

TEST(Program, RunsWithoutBeingCompiled) {
  const at::Tensor weight = at::randn({3, 4});
  const Program program = loaded_again(trace([&](const Tensors& in) { return Tensors{at::linear(in[0], weight)}; },
                                             {kBatchOfRows}, {.parameters = {{"weight", weight}}}));
  for (const int64_t rows : {1, 7, 16}) {
    const at::Tensor x = at::randn({rows, 4});
    EXPECT_TRUE(at::allclose(run(program, {x}).at(0), at::linear(x, weight), 1e-4, 1e-5));
  }
  EXPECT_THROW(run(program, {at::randn({17, 4})}), InvalidInput);
}

}  // namespace
}  // namespace tracejet
