// Cuts programs in pieces and runs these one after the other: together they give what the whole gives.
#include "ir/clone_range.h"

#include <map>

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "compile/program_runner.h"
#include "ir/verify.h"
#include "small_graph.h"
#include "tracejet/trace.h"

namespace tracejet {
namespace {

using testing::calls_of;
using testing::dense;
using testing::error_of;
using testing::only;
using testing::op;
using testing::says;
using testing::SmallGraph;

std::vector<const Node*> nodes_of(const Graph& graph) {
  std::vector<const Node*> nodes;
  for (const Node& node : graph.nodes()) nodes.push_back(&node);
  return nodes;
}

std::vector<std::string> input_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const GraphInput& input : graph.inputs()) names.push_back(input.name);
  return names;
}

/// The outputs of the whole, computed in two pieces that are cut behind `count` nodes, by their value.
std::map<const Value*, c10::IValue> run_in_two(const std::shared_ptr<const Graph>& graph, size_t count,
                                               std::map<const Value*, c10::IValue> values) {
  const std::vector<const Node*> nodes = nodes_of(*graph);
  const std::span all(nodes);
  for (const auto& piece : {all.first(count), all.subspan(count)}) {
    const ClonedRange cloned = clone_range(*graph, piece);
    verify_graph(*cloned.graph);
    std::vector<at::Tensor> feeds;
    for (size_t i = 0; i < cloned.inputs.size(); ++i) {
      if (cloned.graph->inputs()[i].kind != GraphInput::Kind::kUser) continue;
      EXPECT_TRUE(values.contains(cloned.inputs[i])) << "%" << cloned.inputs[i]->id() << " isn't there";
      feeds.push_back(values.at(cloned.inputs[i]).toTensor());
    }
    const auto results = ProgramRunner(cloned.graph, {.engine = "aten"}).run_for_all_outputs(feeds);
    for (size_t i = 0; i < results.size(); ++i) values[cloned.outputs[i]] = results[i];
  }
  return values;
}

void expect_same_in_two(const Program& program, const std::vector<at::Tensor>& inputs) {
  const auto graph = program.graph();
  std::map<const Value*, c10::IValue> given;
  size_t next = 0;
  for (const GraphInput& input : graph->inputs()) {
    if (input.kind == GraphInput::Kind::kUser) given[input.value] = inputs.at(next++);
  }
  const auto expected = ProgramRunner(graph, {.engine = "aten"}).run_for_all_outputs(inputs);
  for (size_t count = 0; count <= graph->nodes().size(); ++count) {
    const auto values = run_in_two(graph, count, given);
    for (size_t i = 0; i < expected.size(); ++i) {
      const Value* value = graph->outputs()[i].value;
      if (value == nullptr) continue;
      ASSERT_TRUE(values.contains(value)) << "cut behind " << count << ": output " << i << " isn't there";
      if (!value->is_tensor()) {
        EXPECT_EQ(values.at(value), expected[i]);
        continue;
      }
      EXPECT_TRUE(at::equal(values.at(value).toTensor(), expected[i].toTensor())) << "cut behind " << count;
    }
  }
}

Input rows_of_four() { return Input::dynamic({2, 4}, {6, 4}, {16, 4}, at::kFloat, "x"); }

TEST(CloneRange, PiecesGiveWhatTheWholeGives) {
  const at::Tensor weight = at::randn({3, 4}), bias = at::randn({3});
  const auto forward = [&](const std::vector<at::Tensor>& in) {
    const at::Tensor hidden = at::linear(in[0], weight, bias).relu();
    return std::vector<at::Tensor>{hidden, (hidden + hidden.mean({0}, true)).exp(), in[0].neg()};
  };
  const Program program = trace(forward, {rows_of_four()}, {{{"weight", weight}, {"bias", bias}}, {}});
  expect_same_in_two(program, {at::randn({5, 4})});
}

TEST(CloneRange, SizesOfInputsStayReadable) {
  const auto forward = [](const std::vector<at::Tensor>& in) {
    const at::Tensor flat = in[0].relu().reshape({-1});  // 4 * rows: this size doesn't tell rows
    return std::vector<at::Tensor>{flat.exp().reshape_symint({in[0].sym_size(0), 4}).neg()};
  };
  expect_same_in_two(trace(forward, {rows_of_four()}), {at::randn({5, 4})});
}

TEST(CloneRange, SizesThatDependOnDataStayReadable) {
  const auto forward = [](const std::vector<at::Tensor>& in) {
    const at::Tensor places = at::nonzero(in[0] > 0);
    const at::Tensor zeros = at::zeros_symint({places.sym_size(0)});
    return std::vector<at::Tensor>{zeros.exp(), places.neg().reshape({-1}).abs()};
  };
  expect_same_in_two(trace(forward, {rows_of_four()}), {at::randn({5, 4})});
}

TEST(CloneRange, ANumberIsReadAgainBehindTheCut) {
  const auto forward = [](const std::vector<at::Tensor>& in) {
    const at::Scalar number = in[0].sum().item();
    return std::vector<at::Tensor>{(in[0].relu() * number).exp(), in[0].neg() + number};
  };
  expect_same_in_two(trace(forward, {rows_of_four()}), {at::rand({5, 4})});
}

TEST(CloneRange, TakesNodesThatDoNotStandTogether) {
  SmallGraph small;
  const Value& x = small.input();
  const Node& relu = small.unary("aten::relu", x);
  const Node& neg = small.unary("aten::neg", x);
  const Node& exp = small.unary("aten::exp", only(relu));
  small.output(only(neg));
  small.output(only(exp));
  const ClonedRange cloned = clone_range(*small.graph, std::vector{&relu, &exp});
  verify_graph(*cloned.graph);
  EXPECT_EQ(calls_of(*cloned.graph), "aten::relu aten::exp");
  EXPECT_EQ(cloned.inputs, std::vector{&x});
  EXPECT_EQ(cloned.outputs, std::vector{&only(exp)});
}

TEST(CloneRange, RefusesNodesThatNeedOneAnotherThroughTheOutside) {
  SmallGraph small;
  const Node& relu = small.unary("aten::relu", small.input());
  const Node& neg = small.unary("aten::neg", only(relu));
  const Node& exp = small.unary("aten::exp", only(neg));
  EXPECT_EQ(error_of([&] { clone_range(*small.graph, std::vector{&relu, &exp}); }),
            "these nodes can't be a graph of their own: %3: float32[rows, 3] = aten::exp(self=%2) needs %2, which is "
            "computed from them outside");
  EXPECT_EQ(error_of([&] { clone_range(*small.graph, std::vector{&neg, &relu}); }),
            "nodes to clone aren't in the order of execution: %1: float32[rows, 3] = aten::relu(self=%0)");
}

TEST(CloneRange, WeightsStayWeightsUnlessTheProgramWritesThem) {
  SmallGraph small;
  const at::Tensor data = at::ones({3});
  const Value& weight = *small.graph->add_input(GraphInput::Kind::kParameter, dense({3}), "weight", data);
  const Value& buffer = *small.graph->add_input(GraphInput::Kind::kBuffer, dense({3}), "buffer", data.clone());
  const Value& x = small.input();
  const Node& first = small.sum(x, weight);
  const Node& second = small.sum(only(first), buffer);
  const Node& next = small.graph->add_node(op("aten::exp"), {&buffer}, {dense({3})}, {});
  small.graph->add_output({GraphOutput::Kind::kBufferMutation, &only(next), {}, 1});
  small.output(only(second));
  const ClonedRange cloned = clone_range(*small.graph, std::vector{&first, &second});
  verify_graph(*cloned.graph);
  EXPECT_EQ(input_names(*cloned.graph), (std::vector<std::string>{"weight", "buffer", "x"}));
  EXPECT_EQ(cloned.graph->inputs()[0].kind, GraphInput::Kind::kParameter);
  EXPECT_TRUE(cloned.graph->inputs()[0].data.is_same(data));
  EXPECT_EQ(cloned.graph->inputs()[1].kind, GraphInput::Kind::kUser);
  EXPECT_FALSE(cloned.graph->inputs()[1].data.defined());
}

TEST(CloneRange, RefusesANumberThatOnlyACallOfItsOwnGives) {
  SmallGraph small;
  const Value& x = small.input();
  const c10::SymInt number = small.shapes->sym_int(small.shapes->unbacked());
  small.graph->add_node(op("aten::sym_size", "int"), {&x, number}, {OutputMeta(c10::IValue(number))}, {});
  const Node& full = small.graph->add_node(
      op("aten::full"),
      {c10::IValue(std::vector<c10::SymInt>{number}), 0.0, c10::IValue(), c10::IValue(), c10::IValue(), c10::IValue()},
      {dense({number})}, {});
  small.output(only(full));
  EXPECT_TRUE(says(error_of([&] { clone_range(*small.graph, std::vector{&full}); }),
                   "the program can't be cut here: a number would have to cross, which %1: u0 = aten::sym_size"));
}

}  // namespace
}  // namespace tracejet
