// Lines of C++ code in errors, reports and programs. These tests are compiled with debug information (-g1).
#include <filesystem>
#include <unistd.h>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "message_of.h"
#include <tracejet/control_flow.h>
#include <tracejet/io.h>
#include <tracejet/nn_module.h>
#include <tracejet/program.h>

namespace tracejet {
namespace {

using testing::message_of;
using Tensors = std::vector<at::Tensor>;

std::string here(int line) { return "cpp_lines_test.cpp:" + std::to_string(line) + " in "; }

TEST(CppLines, ErrorsNameTheLine) {
  int line = 0;
  const auto forward = [&](const Tensors& in) {
    const at::Tensor y = in[0] * 2;
    line = __LINE__ + 1;
    const at::Tensor product = at::matmul(y, y);
    return Tensors{product};
  };
  const std::string message = message_of<ShapeError>([&] { trace(forward, {Input::fixed({2, 3})}); });
  EXPECT_NE(message.find(here(line)), std::string::npos) << message;
  EXPECT_NE(message.find("at::matmul(y, y)"), std::string::npos) << message;
}

struct Net : torch::nn::Module {
  at::Tensor forward(const at::Tensor& x) {
    line = __LINE__ + 1;
    if (x.sym_size(0) > 4) return inside(x);
    return x;
  }
  torch::nn::Linear inside = register_module("inside", torch::nn::Linear(4, 4));
  int line = 0;
};

TEST(CppLines, ReportsNameTheLineAndTheModule) {
  Net net;
  const Report report = diagnose(net, {Input::dynamic({1, 4}, {8, 4}, {16, 4})});
  ASSERT_EQ(report.problems.size(), 1U);
  ASSERT_EQ(report.problems[0].lines.size(), 1U);
  const ModelLine& line = report.problems[0].lines[0];
  EXPECT_TRUE(line.file.ends_with("cpp_lines_test.cpp")) << line.file;
  EXPECT_TRUE(line.function.ends_with("forward")) << line.function;
  EXPECT_EQ(line.text, "if (x.sym_size(0) > 4) return inside(x);");
  EXPECT_TRUE(line.module_type.ends_with("Net"));
}

TEST(CppLines, ProgramsKeepTheLinesOfEveryCaller) {
  int inner = 0, outer = 0;
  const auto twice = [&](const at::Tensor& x) {
    inner = __LINE__ + 1;
    return x * 2;
  };
  const auto forward = [&](const Tensors& in) {
    const at::Tensor y = twice(in[0]);
    outer = __LINE__ + 1;
    const at::Tensor z = at::relu(y);
    return Tensors{z};
  };
  const Program program = trace(forward, {Input::fixed({2, 3})});
  const auto expect_lines = [&](const Program& known) {
    const auto nodes = nodes_of(known);
    ASSERT_EQ(nodes.size(), 2U);
    EXPECT_NE(nodes[0].where().find(here(inner)), std::string::npos) << nodes[0].where();
    EXPECT_NE(nodes[1].where().find(here(outer)), std::string::npos) << nodes[1].where();
  };
  expect_lines(program);
  expect_lines(trace(program));
  const auto file = std::filesystem::temp_directory_path() / ("cpp_lines" + std::to_string(::getpid()) + ".pt2");
  save(program, file);
  expect_lines(load(file));
  std::filesystem::remove(file);
}

TEST(CppLines, BodiesOfControlFlowHaveLinesOfTheirOwn) {
  int line = 0;
  const auto forward = [&](const Tensors& in) {
    const auto doubles = [&](const Tensors& operands) {
      line = __LINE__ + 1;
      const at::Tensor doubled = operands[0] * 2;
      return Tensors{doubled};
    };
    const auto same = [](const Tensors& operands) { return Tensors{operands[0].clone()}; };
    return cond(in[0].sum() > 0, doubles, same, {in[0]});
  };
  const auto nodes = nodes_of(trace(forward, {Input::fixed({2, 3})}));
  const std::string where = nodes.back().bodies().at(0).at(0).where();
  EXPECT_NE(where.find(here(line)), std::string::npos) << where;
}

}  // namespace
}  // namespace tracejet
