// Control flow on data in C++ code: traced with both branches, and run by the interpreter.
#include <functional>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ir/graph.h"
#include <tracejet/compile.h>
#include <tracejet/control_flow.h>
#include <tracejet/error.h>
#include <tracejet/trace.h>

namespace tracejet {
namespace {

using Tensors = std::vector<at::Tensor>;

const Input kInput = Input::dynamic({1, 3}, {4, 3}, {9, 3}, at::kFloat, "x");

Tensors gate(const Tensors& inputs) {
  const at::Tensor& x = inputs[0];
  const auto scaled = [&](const Tensors& operands) { return Tensors{operands[0] * x.sym_size(0)}; };
  const auto shifted = [&](const Tensors& operands) { return Tensors{operands[0] + x.sum()}; };
  return cond(x.sum() > 0, scaled, shifted, {x + 1});
}

Tensors doubled(const Tensors& inputs) {
  const auto small = [](const Tensors& carried) { return Tensors{carried[0].abs().sum() < 100}; };
  const auto twice = [](const Tensors& carried) { return Tensors{carried[0] * 2}; };
  return while_loop(small, twice, {inputs[0]});
}

void expect_same(const Forward& forward) {
  CompileSettings settings;
  settings.engine = "aten";
  const CompiledProgram compiled = compile(trace(forward, {kInput}), settings);
  for (const double value : {0.5, -0.5}) {
    const at::Tensor x = at::ones({5, 3}) * value;
    EXPECT_TRUE(at::allclose(compiled.run({x}).at(0), forward({x}).at(0)));
  }
}

TEST(ControlFlow, CondRunsTheBranchThatDataAsksFor) { expect_same(gate); }

TEST(ControlFlow, WhileLoopRepeatsItsBody) { expect_same(doubled); }

TEST(ControlFlow, BranchesAreSubgraphsOfOneNode) {
  const Program program = trace(gate, {kInput});
  const Node& node = program.graph()->nodes().back();
  EXPECT_EQ(node.op().operator_name().name, "higher_order::cond");
  ASSERT_EQ(node.subgraphs().size(), 2u);
  EXPECT_EQ(node.subgraphs()[0]->inputs().size(), node.subgraphs()[1]->inputs().size());
  EXPECT_NE(program.str().find("aten::sum"), std::string::npos);
}

/// A branch gives what it takes from outside (`captured`) or its operand.
Tensors chosen(const at::Tensor& x, bool captured,
               const std::function<void(const at::Tensor&, const at::Tensor&)>& write) {
  const at::Tensor a = x * 1;
  const auto same = [&](const Tensors& operands) { return Tensors{captured ? a : operands[0]}; };
  const auto other = [&](const Tensors& /*operands*/) { return Tensors{a * 2}; };
  const at::Tensor c = cond(x.sum() > 0, same, other, {a}).at(0);
  write(a, c);
  return {a, c};
}

TEST(ControlFlow, WhatABranchTakesFromOutsideAndGivesIsNotWritten) {
  for (const bool captured : {false, true}) {
    for (const bool writes_result : {false, true}) {
      const auto write = [&](const at::Tensor& a, const at::Tensor& c) { (writes_result ? c : a).add_(1); };
      const auto forward = [&](const Tensors& inputs) { return chosen(inputs[0], captured, write); };
      EXPECT_THROW(trace(forward, {kInput}), UnsupportedOperator);
    }
    expect_same([&](const Tensors& inputs) { return chosen(inputs[0], captured, [](const auto&, const auto&) {}); });
  }
}

TEST(ControlFlow, AnInputThatABranchGivesIsNotWritten) {
  const auto forward = [](const Tensors& inputs) {
    const at::Tensor& x = inputs[0];
    const auto same = [&](const Tensors& /*operands*/) { return Tensors{x}; };
    const auto other = [&](const Tensors& /*operands*/) { return Tensors{x * 2}; };
    return Tensors{cond(x.sum() > 0, same, other, {}).at(0).add_(1)};
  };
  EXPECT_THROW(trace(forward, {kInput}), UnsupportedOperator);
}

TEST(ControlFlow, ResultsOfALoopMayBeWrittenHoweverOftenItRuns) {
  const auto forward = [](const Tensors& inputs) {
    const at::Tensor a = inputs[0] * 1;
    const auto runs = [](const Tensors& carried) { return Tensors{carried[0].sum() < 0}; };
    const at::Tensor c = while_loop(runs, [](const Tensors& carried) { return Tensors{carried[0] + 1}; }, {a}).at(0);
    c.add_(1);
    return Tensors{a, c};
  };
  CompileSettings settings;
  settings.engine = "aten";
  const CompiledProgram compiled = compile(trace(forward, {kInput}), settings);
  for (const double value : {0.5, -0.5}) {
    const at::Tensor x = at::ones({5, 3}) * value;
    const Tensors results = compiled.run({x}), expected = forward({x});
    EXPECT_TRUE(at::equal(results.at(0), expected.at(0)));
    EXPECT_TRUE(at::equal(results.at(1), expected.at(1)));
  }
}

TEST(ControlFlow, WritesToTensorsFromOutsideAreRefused) {
  const auto forward = [](const Tensors& inputs) {
    at::Tensor total = at::zeros({3}) + inputs[0].sum();
    const auto writes = [&](const Tensors& operands) {
      total.add_(1);
      return Tensors{operands[0] + total};
    };
    return cond(inputs[0].sum() > 0, writes, [](const Tensors& operands) { return Tensors{operands[0] * 2}; }, inputs);
  };
  EXPECT_THROW(trace(forward, {kInput}), UnsupportedOperator);
}

TEST(ControlFlow, BranchesMustGiveTheSameKindOfTensors) {
  const auto forward = [](const Tensors& inputs) {
    return cond(
        inputs[0].sum() > 0, [](const Tensors& operands) { return Tensors{operands[0] > 0}; },
        [](const Tensors& operands) { return Tensors{operands[0] * 2}; }, inputs);
  };
  EXPECT_THROW(trace(forward, {kInput}), ShapeError);
}

}  // namespace
}  // namespace tracejet
