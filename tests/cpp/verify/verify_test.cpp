// Holding what was compiled against eager's kernels: engines that go wrong are made for it.
#include "verify/verify.h"

#include <algorithm>
#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tanh.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "compile/program_runner.h"
#include "ir/call.h"
#include "ir/copy.h"

namespace tracejet {
namespace {

/// tanh(relu(linear(x))), for 1 to 8 rows.
Program random_layers() {
  const at::Tensor weight = at::randn({4, 4});
  const auto forward = [weight](const std::vector<at::Tensor>& inputs) {
    return std::vector{at::tanh(at::relu(at::linear(inputs[0], weight)))};
  };
  return trace(forward, {Input::dynamic({1, 4}, {2, 4}, {8, 4}, at::kFloat, "x")});
}

const Value& output_of(const Graph& graph, const std::string& op) {
  for (const Node& node : graph.nodes()) {
    if (Call(node).name() == op) return *node.outputs()[0];
  }
  throw Error("no " + op);
}

RunProgram by_interpreter(std::shared_ptr<const Graph> graph) {
  const auto program = std::make_shared<ProgramRunner>(std::move(graph), CompileSettings{.engine = "aten"});
  return [program](const std::vector<at::Tensor>& inputs) { return program->run_for_all_outputs(inputs); };
}

/// Adds 1 to the first output, unless the graph gives the value of `op` away.
RunProgram wrong_unless_given(const std::string& op, std::shared_ptr<const Graph> graph) {
  const Value& value = output_of(*graph, op);
  const bool is_given = std::ranges::find(graph->outputs(), &value, &GraphOutput::value) != graph->outputs().end();
  return [is_given, run = by_interpreter(graph)](const std::vector<at::Tensor>& inputs) {
    auto results = run(inputs);
    if (!is_given) results[0] = results[0].toTensor() + 1;
    return results;
  };
}

TEST(Verify, FindsTheValueThatAnEngineLosesInAFusion) {
  const auto graph = random_layers().graph();
  const auto compile = [](std::shared_ptr<const Graph> of) { return wrong_unless_given("aten::relu", std::move(of)); };
  const Subject subject{"fusing", compile(graph), at::kFloat, graph, compile};
  const Verification found = verify(graph, subject, {}, {});
  ASSERT_FALSE(found.ok());
  ASSERT_TRUE(found.first);
  EXPECT_EQ(found.first->op, "aten::relu");
  EXPECT_NE(found.first->problem.find("computes it as one with the calls around it"), std::string::npos) << found.str();
}

TEST(Verify, SaysWhereTheCallCannotBeTold) {
  const auto graph = random_layers().graph();
  const Subject subject{"once wrong", wrong_unless_given("aten::relu", graph), at::kFloat, graph, by_interpreter};
  const Verification found = verify(graph, subject, {}, {});
  ASSERT_FALSE(found.ok());
  EXPECT_NE(found.str().find("compiled once more, the program gives what is expected"), std::string::npos);

  const auto refuse = [](const std::shared_ptr<const Graph>&) -> RunProgram { throw UnsupportedOperator("not now"); };
  const Subject other{"refusing", wrong_unless_given("aten::relu", graph), at::kFloat, graph, refuse};
  EXPECT_NE(verify(graph, other, {}, {}).str().find("can't be told: with intermediate values as outputs, not now"),
            std::string::npos);
}

TEST(Verify, TakesAProgramRunnerAndItsInputs) {
  const Program program = random_layers();
  for (const std::string engine : {"openvino", "aten"}) {
    const Verification found = verify(program, compile(program, {.engine = engine}), {{at::randn({3, 4})}});
    EXPECT_TRUE(found.ok()) << found.str();
    ASSERT_EQ(found.runs.size(), 4);
    EXPECT_EQ(found.runs.back().name, "inputs");
    EXPECT_EQ(found.engine, engine);
  }
  EXPECT_THROW(verify(program, compile(program), {{at::randn({9, 4})}}), InvalidInput);
}

TEST(Verify, NamesTheToleranceThatIsAskedFor) {
  const Program program = random_layers();
  const auto nearly = [run = by_interpreter(program.graph())](const std::vector<at::Tensor>& inputs) {
    auto results = run(inputs);
    results[0] = results[0].toTensor() * 1.01;
    return results;
  };
  EXPECT_FALSE(verify(program.graph(), Subject{"nearly", nearly}, {}, {}).ok());
  EXPECT_TRUE(verify(program.graph(), Subject{"nearly", nearly}, {}, {.tolerance = 0.1}).ok());
  for (const double none : {std::nan(""), -0.1}) {
    EXPECT_THROW(verify(program.graph(), Subject{"nearly", nearly}, {}, {.tolerance = none}), InvalidInput);
  }
}

TEST(GraphCopy, GivesTheSameAndMore) {
  const auto graph = random_layers().graph();
  const Value& hidden = output_of(*graph, "aten::relu");
  const GraphCopy copy = copy_with_outputs(*graph, std::vector{&hidden});
  EXPECT_EQ(copy.graph->nodes().size(), graph->nodes().size());
  const at::Tensor x = at::randn({5, 4});
  const auto expected = by_interpreter(graph)({x}), got = by_interpreter(copy.graph)({x});
  ASSERT_EQ(got.size(), 2);
  EXPECT_TRUE(at::equal(got[0].toTensor(), expected[0].toTensor()));
  EXPECT_TRUE(at::equal(at::tanh(got[1].toTensor()), expected[0].toTensor()));
}

}  // namespace
}  // namespace tracejet
