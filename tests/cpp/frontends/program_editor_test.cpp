// Programs that are changed: they compute what they then say, at all sizes, and the program they come from stays.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <unistd.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "message_of.h"
#include <tracejet/compile.h>
#include <tracejet/control_flow.h>
#include <tracejet/error.h>
#include <tracejet/io.h>
#include <tracejet/program_editor.h>

namespace tracejet {
namespace {

using testing::message_of;
using Tensors = std::vector<at::Tensor>;

const Input kFourWide = Input::dynamic({1, 4}, {4, 4}, {16, 4}, at::kFloat, "x");

/// A layer, relu, and their sum.
struct Small {
  at::Tensor weight = at::randn({4, 4});
  Program program = trace(
      [this](const Tensors& in) {
        const at::Tensor y = at::linear(in[0], weight);
        return Tensors{at::relu(y) + y};
      },
      {kFourWide}, {.parameters = {{"weight", weight}}, .buffers = {}}, {.decompositions = DecompositionSet::kNone});
};

ProgramNode find(const ProgramEditor& editor, const std::string& op) {
  const auto nodes = editor.nodes();
  const auto found = std::ranges::find(nodes, op, &ProgramNode::op);
  if (found == nodes.end()) throw std::runtime_error("there is no " + op);
  return *found;
}

/// With TRACEJET_KEEP_PT2=folder, the file stays there: tests/python/frontend/test_cpp_modules.py.
void expect_same_from_file(const Program& program, const std::function<at::Tensor(const at::Tensor&)>& forward) {
  const char* kept = std::getenv("TRACEJET_KEEP_PT2");
  const auto folder = kept != nullptr ? std::filesystem::path(kept) : std::filesystem::temp_directory_path();
  const std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const auto path = folder / ("edited_" + name + (kept != nullptr ? "" : std::to_string(::getpid())) + ".pt2");
  save(program, path);
  const Program loaded = load(path);
  if (kept == nullptr) std::filesystem::remove(path);
  for (const Program& each : {program, loaded}) {
    for (const int64_t rows : {1, 2, 7, 16}) {
      const at::Tensor x = at::randn({rows, 4});
      EXPECT_TRUE(at::allclose(run(each, {x}).at(0), forward(x), 1e-4, 1e-5)) << rows << " rows\n" << each.str();
    }
  }
}

TEST(ProgramEditor, PutsCodeInThePlaceOfACall) {
  Small small;
  const std::string before = small.program.str();
  ProgramEditor editor(small.program);
  const ProgramNode relu = find(editor, "aten::relu");
  const auto leaky = [](const Tensors& in) { return Tensors{at::leaky_relu(in[0], 0.25)}; };
  editor.replace(relu.outputs()[0], editor.insert(relu, leaky, {relu.value("self")}).at(0));
  editor.erase(relu);
  const Program changed = editor.program();
  expect_same_from_file(changed, [&](const at::Tensor& x) {
    const at::Tensor y = at::linear(x, small.weight);
    return at::leaky_relu(y, 0.25) + y;
  });
  EXPECT_EQ(small.program.str(), before);
  EXPECT_EQ(tensors_of(changed)[0].data.data_ptr(), small.weight.data_ptr());
  EXPECT_EQ(changed.inputs().size(), 1U);
}

TEST(ProgramEditor, WhatIsInsertedGoesOnTakingWhatItReplaces) {
  Small small;
  ProgramEditor editor(small.program);
  const ProgramNode linear = find(editor, "aten::linear");
  const ProgramValue y = linear.outputs()[0];
  const auto twice = [](const Tensors& in) { return Tensors{at::gelu(in[0]) * 2 + in[0]}; };
  editor.replace(y, editor.insert_after(linear, twice, {y}).at(0));
  expect_same_from_file(editor.program(), [&](const at::Tensor& x) {
    at::Tensor z = at::linear(x, small.weight);
    z = at::gelu(z) * 2 + z;
    return at::relu(z) + z;
  });
}

TEST(ProgramEditor, BehindTheLastCallIsTheEnd) {
  Small small;
  ProgramEditor editor(small.program);
  const ProgramNode last = editor.nodes().back();
  const ProgramValue result = last.outputs()[0];
  const auto shifted = [](const Tensors& in) { return Tensors{in[0].add(in[1].sum(1, /*keepdim=*/true))}; };
  editor.replace(result, editor.insert_after(last, shifted, {result, editor.arguments()[0]}).at(0));
  expect_same_from_file(editor.program(), [&](const at::Tensor& x) {
    const at::Tensor y = at::linear(x, small.weight);
    return at::relu(y) + y + x.sum(1, /*keepdim=*/true);
  });
}

TEST(ProgramEditor, TensorsOfTheCodeBecomeConstantsAndWeightsStayOne) {
  Small small;
  ProgramEditor editor(small.program);
  const ProgramNode relu = find(editor, "aten::relu");
  const at::Tensor bias = at::randn({4}), own = tensors_of(small.program)[0].data;
  const auto code = [&](const Tensors& in) { return Tensors{at::linear(in[0], own, bias)}; };
  for (int i = 0; i < 2; ++i) {
    editor.replace(relu.outputs()[0], editor.insert(relu, code, {relu.value("self")}).at(0));
  }
  editor.erase_unused();
  const Program changed = editor.program();
  ASSERT_EQ(tensors_of(changed).size(), 2U);  // the bias is one constant
  EXPECT_EQ(tensors_of(changed)[1].kind, ProgramTensor::Kind::kConstant);
  EXPECT_TRUE(at::equal(tensors_of(changed)[1].data, bias));
  expect_same_from_file(changed, [&](const at::Tensor& x) {
    const at::Tensor y = at::linear(x, small.weight);
    return at::linear(y, small.weight, bias) + y;
  });
}

TEST(ProgramEditor, BuffersAreWrittenWhereTheyWere) {
  const at::Tensor total = at::zeros({4}), bias = at::ones({4});
  const auto forward = [&](const Tensors& in) {
    total.add_(in[0].sum(0));
    return Tensors{at::relu(in[0]) + total};
  };
  ProgramEditor editor(trace(forward, {kFourWide}, {{}, {{"total", total}}}));
  const ProgramNode relu = find(editor, "aten::relu");
  const auto code = [&](const Tensors& in) { return Tensors{in[0] + bias}; };
  editor.replace(relu.outputs()[0], editor.insert(relu, code, {relu.value("self")}).at(0));
  const CompiledProgram compiled = compile(editor.program(), {.engine = "aten"});
  const at::Tensor x = at::ones({5, 4});
  compiled.run({x});
  EXPECT_TRUE(at::equal(compiled.run({x}).at(0), x + 1 + 10));
}

TEST(ProgramEditor, ErasesNothingThatIsTaken) {
  ProgramEditor editor(Small().program);
  const ProgramNode linear = find(editor, "aten::linear");
  EXPECT_NE(message_of<InvalidInput>([&] { editor.erase(linear); }).find("aten::relu"), std::string::npos);
  editor.verify();
}

TEST(ProgramEditor, MovesNothingPastWhatItTakes) {
  ProgramEditor editor(Small().program);
  const ProgramNode linear = find(editor, "aten::linear"), relu = find(editor, "aten::relu");
  EXPECT_THROW(editor.move(relu, linear), Error);
  const auto code = [](const Tensors& in) { return Tensors{in[0] * 2}; };
  EXPECT_NE(message_of<InvalidInput>([&] { editor.insert(linear, code, {relu.outputs()[0]}); }).find("behind"),
            std::string::npos);
  EXPECT_EQ(editor.nodes().size(), 3U);
}

TEST(ProgramEditor, CodeThatHoldsForSomeSizesIsRefusedAndForgotten) {
  ProgramEditor editor(Small().program);
  const ProgramNode relu = find(editor, "aten::relu");
  const auto insert = [&](const Forward& code) { return editor.insert(relu, code, {relu.value("self")}); };
  const auto branches = [](const Tensors& in) { return in[0].sym_size(0) > 8 ? Tensors{in[0] * 2} : in; };
  const auto plain = [](const Tensors& in) { return Tensors{at::zeros({in[0].size(0), 4})}; };
  const auto four = [](const Tensors& in) { return Tensors{in[0] + at::ones({4, 4})}; };
  for (int i = 0; i < 2; ++i) {  // nothing has been learned from the first time
    const std::string message = message_of<UnsupportedOperator>([&] { insert(branches); });
    EXPECT_NE(message.find("x_0"), std::string::npos) << message;
    EXPECT_THROW(insert(plain), UnsupportedOperator);
    EXPECT_THROW(insert(four), Error);
  }
  EXPECT_EQ(editor.nodes().size(), 3U);
  EXPECT_EQ(tensors_of(editor.program()).size(), 1U);
}

TEST(ProgramEditor, CodeMakesTensorsLikeItsOperands) {
  Small small;
  ProgramEditor editor(small.program);
  const ProgramNode relu = find(editor, "aten::relu");
  const auto code = [](const Tensors& in) { return Tensors{at::zeros_like(in[0]) + at::ones_like(in[0]) * in[0]}; };
  editor.replace(relu.outputs()[0], editor.insert(relu, code, {relu.value("self")}).at(0));
  expect_same_from_file(editor.program(), [&](const at::Tensor& x) { return at::linear(x, small.weight) * 2; });
}

TEST(ProgramEditor, CodeThatWritesToAnOperandIsRefused) {
  Small small;
  ProgramEditor editor(small.program);
  const ProgramNode relu = find(editor, "aten::relu");
  const at::Tensor outside = at::zeros({4});
  const auto insert = [&](const Forward& code) { editor.insert(relu, code, {relu.value("self")}); };
  EXPECT_THROW(insert([](const Tensors& in) { return Tensors{in[0].add_(1)}; }), UnsupportedOperator);
  EXPECT_THROW(insert([&](const Tensors& in) { return Tensors{outside.add_(in[0].sum(0))}; }), UnsupportedOperator);
  EXPECT_TRUE(at::equal(outside, at::zeros({4})));
}

TEST(ProgramEditor, NothingOfAnotherLayoutStandsForAValue) {
  const Program program =
      trace([](const Tensors& in) { return Tensors{at::relu(in[0]) + 1}; }, {Input::fixed({4, 4}, at::kFloat, "x")});
  ProgramEditor editor(program);
  const ProgramNode relu = find(editor, "aten::relu");
  const auto code = [](const Tensors& in) { return Tensors{in[0].t(), in[0].t().contiguous()}; };
  const auto turned = editor.insert(relu, code, {relu.value("self")});
  EXPECT_NE(message_of<InvalidInput>([&] { editor.replace(relu.outputs()[0], turned[0]); }).find("memory"),
            std::string::npos);
  editor.replace(relu.outputs()[0], turned[1]);
  const at::Tensor x = at::randn({4, 4});
  EXPECT_TRUE(at::equal(run(editor.program(), {x}).at(0), x.t() + 1));
}

TEST(ProgramEditor, ThreadsEditOneProgram) {
  const Small small;
  const auto edit = [&](double scale) {
    for (int round = 0; round < 4; ++round) {
      ProgramEditor editor(small.program);
      const ProgramNode relu = find(editor, "aten::relu");
      const auto scaled = [&](const Tensors& in) { return Tensors{in[0] * scale}; };
      editor.replace(relu.outputs()[0], editor.insert(relu, scaled, {relu.value("self")})[0]);
      const at::Tensor x = at::ones({3, 4}), y = at::linear(x, small.weight);
      EXPECT_TRUE(at::allclose(run(editor.program(), {x}).at(0), y * scale + y, 1e-4, 1e-5)) << scale;
    }
  };
  std::vector<std::thread> threads;
  for (const double scale : {2.0, 3.0, 4.0, 5.0}) threads.emplace_back(edit, scale);
  for (std::thread& thread : threads) thread.join();
}

TEST(ProgramEditor, BodiesOfControlFlowAndOtherProgramsAreNotItsOwn) {
  const auto forward = [](const Tensors& in) {
    return cond(
        in[0].sum() > 0, [](const Tensors& y) { return Tensors{at::relu(y[0])}; },
        [](const Tensors& y) { return Tensors{y[0] - 1}; }, {in[0]});
  };
  const Program program = trace(forward, {kFourWide});
  ProgramEditor editor(program);
  const ProgramNode inside = find(editor, "higher_order::cond").bodies().at(0).at(0);
  EXPECT_THROW(editor.erase(inside), InvalidInput);
  EXPECT_THROW(editor.erase(nodes_of(program).back()), InvalidInput);
}

}  // namespace
}  // namespace tracejet
