// Programs made by hand, run by every engine.
#include <thread>

#include <ATen/ops/add.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "compile/program_runner.h"
#include "helpers.h"
#include "ir/graph.h"
#include "small_graph.h"
#include "symbolic/context.h"
#include "tracejet/compile.h"
#include "tracejet/trace.h"

namespace tracejet {
namespace {

using testing::dense;
using testing::op;

/// relu(addmm(bias, x, weight^T)), reshaped to half the rows; x has 2 to 16 rows.
class EveryEngine : public ::testing::TestWithParam<std::string> {
 protected:
  ProgramRunner compile() const { return ProgramRunner(graph_, {.engine = GetParam()}); }
  at::Tensor expected(const at::Tensor& x) const { return at::relu(at::addmm(bias_, x, weight_.t())); }

  std::shared_ptr<symbolic::Context> shapes_ = symbolic::Context::create();
  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>(shapes_);
  c10::SymInt rows_ = shapes_->sym_int(shapes_->symbol("rows", {2, 16}, 4));
  at::Tensor weight_ = at::randn({6, 5});
  at::Tensor bias_ = at::randn({6});

  void build() {
    const Value* weight = graph_->add_input(GraphInput::Kind::kParameter, testing::meta_of(weight_), "weight", weight_);
    const Value* bias = graph_->add_input(GraphInput::Kind::kParameter, testing::meta_of(bias_), "bias", bias_);
    const Value* x = graph_->add_input(GraphInput::Kind::kUser, dense({rows_, 5}), "x");
    const Value* turned = only(graph_->add_node(op("aten::permute"), {weight, std::vector<int64_t>{1, 0}},
                                                {testing::meta_of(weight_.t())}, {}));
    const Value* product = only(graph_->add_node(op("aten::addmm"), {bias, x, turned, 1, 1}, {dense({rows_, 6})}, {}));
    const Value* positive = only(graph_->add_node(op("aten::relu"), {product}, {dense({rows_, 6})}, {}));
    graph_->add_output({GraphOutput::Kind::kUser, positive, {}, 0});
  }

  static const Value* only(const Node& node) { return node.outputs().front(); }
};

TEST_P(EveryEngine, RunsAtEverySizeOfTheRange) {
  build();
  const ProgramRunner program = compile();
  for (const int64_t rows : {2, 3, 16}) {
    const at::Tensor x = at::randn({rows, 5});
    EXPECT_TRUE(at::allclose(program.run({x}).at(0), expected(x), 1e-4, 1e-5)) << rows << " rows";
  }
}

TEST_P(EveryEngine, TakesInputsThatAreNotContiguous) {
  build();
  const at::Tensor x = at::randn({5, 8}).t();
  EXPECT_TRUE(at::allclose(compile().run({x}).at(0), expected(x), 1e-4, 1e-5));
}

TEST_P(EveryEngine, NamesInputAndAxisOfAWrongSize) {
  build();
  const ProgramRunner program = compile();
  const auto message = [&](const std::vector<at::Tensor>& inputs) -> std::string {
    try {
      program.run(inputs);
    } catch (const InvalidInput& error) {
      return std::string(error.message());
    }
    return "nothing was thrown";
  };
  EXPECT_EQ(message({at::randn({32, 5})}), "x: axis 0 is 32, but this program takes 2 to 16");
  EXPECT_EQ(message({at::randn({4, 6})}), "x: axis 1 is 6, but this program takes 5");
  EXPECT_EQ(message({at::randn({4, 5}).to(at::kDouble)}), "x: its dtype is Double, but this program takes Float");
  EXPECT_EQ(message({at::randn({4})}), "x: it has 1 axes, but this program takes float32[rows, 5]");
  EXPECT_EQ(message({}), "this program takes 1 tensors, got 0");
}

TEST_P(EveryEngine, WritesBuffersThatTheProgramChanges) {
  const at::Tensor counter = at::zeros({});
  const Value* buffer = graph_->add_input(GraphInput::Kind::kBuffer, testing::meta_of(counter), "counter", counter);
  const Value* next =
      only(graph_->add_node(op("aten::add", "Tensor"), {buffer, 1.0, 1}, {testing::meta_of(counter)}, {}));
  graph_->add_output({GraphOutput::Kind::kBufferMutation, next, {}, 0});
  graph_->add_output({GraphOutput::Kind::kUser, next, {}, 0});
  const ProgramRunner program = compile();
  EXPECT_EQ(program.run({}).at(0).item().toFloat(), 1);
  EXPECT_EQ(program.run({}).at(0).item().toFloat(), 2);
  EXPECT_EQ(counter.item().toFloat(), 2);
}

TEST_P(EveryEngine, GivesBuffersTheirNewValuesAllAtOnce) {
  const at::Tensor a = at::zeros({2});
  const at::Tensor b = at::ones({2});
  const Value* first = graph_->add_input(GraphInput::Kind::kBuffer, testing::meta_of(a), "a", a);
  const Value* second = graph_->add_input(GraphInput::Kind::kBuffer, testing::meta_of(b), "b", b);
  graph_->add_output({GraphOutput::Kind::kBufferMutation, second, {}, 0});
  graph_->add_output({GraphOutput::Kind::kBufferMutation, first, {}, 1});
  compile().run({});
  EXPECT_TRUE(at::equal(a, at::ones({2})));
  EXPECT_TRUE(at::equal(b, at::zeros({2})));
}

TEST_P(EveryEngine, GivesSizesAsNumbers) {
  build();
  graph_->add_output({GraphOutput::Kind::kUser, nullptr, c10::IValue(rows_ * 2), 0});
  EXPECT_EQ(compile().run_for_all_outputs({at::randn({7, 5})}).at(1).toInt(), 14);
}

TEST_P(EveryEngine, ServesSeveralThreadsAtOnce) {
  build();
  const ProgramRunner program = compile();
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 50; ++i) {
        const at::Tensor x = at::randn({2 + (i + thread) % 15, 5});
        if (!at::allclose(program.run({x}).at(0), expected(x), 1e-4, 1e-5)) ++wrong[static_cast<size_t>(thread)];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

INSTANTIATE_TEST_SUITE_P(Each, EveryEngine, ::testing::Values("openvino", "aten"),
                         [](const auto& info) { return info.param; });

TEST(OpenVino, ListsEverythingItCannotRun) {
  auto graph = std::make_shared<Graph>(symbolic::Context::create());
  const Value* x = graph->add_input(GraphInput::Kind::kUser, dense({3}), "x");
  for (const char* name : {"aten::digamma", "aten::lgamma", "aten::lgamma"}) {
    x = graph->add_node(op(name), {x}, {dense({3})}, {}).outputs().front();
  }
  graph->add_output({GraphOutput::Kind::kUser, x, {}, 0});
  try {
    const ProgramRunner program(graph, {.engine = "openvino"});
    FAIL() << "nothing was thrown";
  } catch (const UnsupportedOperator& error) {
    EXPECT_EQ(error.message(),
              "openvino can't run 3 operators of this program:\n"
              "  aten::digamma has no conversion\n"
              "    float32[3] -> float32[3]\n"
              "  aten::lgamma has no conversion (2 times)\n"
              "    float32[3] -> float32[3]\n"
              "    float32[3] -> float32[3]\n"
              "The engine \"aten\" runs every program.");
  }
}

TEST(Compile, RunsWhatWasTracedWithoutPython) {
  const at::Tensor weight = at::randn({6, 5});
  const Forward forward = [&](const std::vector<at::Tensor>& x) {
    return std::vector{at::relu(at::matmul(x[0], weight))};
  };
  const Program program = trace(forward, {Input::dynamic({1, 6}, {4, 6}, {16, 6}, at::kFloat, "x")});
  const CompiledProgram compiled = compile(program);
  for (const int64_t rows : {1, 16}) {
    const at::Tensor x = at::randn({rows, 6});
    EXPECT_TRUE(at::allclose(compiled.run({x}).at(0), forward({x}).at(0), 1e-4, 1e-5));
  }
}

TEST(FindUnsupported, SaysWhatAnEngineRefusesAndWhy) {
  const Forward forward = [](const std::vector<at::Tensor>& x) {
    return std::vector{at::relu(x[0]), x[0].to(at::kDouble).exp()};
  };
  const Program program = trace(forward, {Input::dynamic({1, 6}, {4, 6}, {16, 6}, at::kFloat, "x")});
  const std::vector<UnsupportedCall> calls = find_unsupported(program, "openvino");
  ASSERT_EQ(calls.size(), 2);
  EXPECT_EQ(calls[0].op, "aten::_to_copy");
  EXPECT_EQ(calls[1].op, "aten::exp");
  EXPECT_EQ(calls[1].reason, "computes in float64, which openvino would do in float32");
  EXPECT_TRUE(find_unsupported(program, "aten").empty());
  EXPECT_TRUE(find_unsupported(program, "onnx").empty());
  EXPECT_THROW(find_unsupported(program, "abacus"), InvalidInput);
}

TEST(CompileSettings, MustMakeSense) {
  auto graph = std::make_shared<Graph>(symbolic::Context::create());
  EXPECT_THROW(ProgramRunner(graph, {.engine = "abacus"}), InvalidInput);
  EXPECT_THROW(ProgramRunner(graph, {.precision = at::kLong}), InvalidInput);
  EXPECT_THROW(ProgramRunner(graph, {.threads = -1}), InvalidInput);
}

}  // namespace
}  // namespace tracejet
