// verify_graph(): what it refuses, each with what it names.
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "ir/control_flow.h"
#include "ir/verify.h"
#include "small_graph.h"

namespace tracejet {
namespace {

using testing::dense;
using testing::error_of;
using testing::only;
using testing::op;
using testing::says;
using testing::SmallGraph;

class VerifyGraph : public ::testing::Test {
 protected:
  std::string error() const {
    return error_of([this] { verify_graph(*small_.graph); });
  }
  Graph& graph() { return *small_.graph; }

  SmallGraph small_;
  const Value& x_ = small_.input();
  const Node& relu_ = small_.unary("aten::relu", x_);
};

// Nothing but a bug changes what is const.
template <typename T>
T& writable(const T& object) {
  return const_cast<T&>(object);
}

TEST_F(VerifyGraph, TakesARightGraph) {
  small_.output(only(relu_));
  EXPECT_EQ(error(), "nothing was thrown");
}

TEST_F(VerifyGraph, RefusesWhatIsReadBeforeItIsComputed) {
  graph().insert_node(relu_, op("aten::neg"), {&only(relu_)}, {dense({small_.rows, 3})}, {});
  EXPECT_EQ(error(),
            "the graph is wrong, which is a bug in tracejet: %1 is read before it is computed, at "
            "%2: float32[rows, 3] = aten::neg(self=%1)");
}

TEST_F(VerifyGraph, SaysThatItIsABug) {
  graph().insert_node(relu_, op("aten::neg"), {&only(relu_)}, {dense({small_.rows, 3})}, {});
  try {
    verify_graph(graph());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInternalError);
    EXPECT_EQ(error.what(), std::string(error.message()) + "\nSee docs/errors.md#internal-error");
    EXPECT_EQ(code_named_in(error.what()), ErrorCode::kInternalError);
    EXPECT_EQ(said_by(error), error.message());
    EXPECT_EQ(said_by(std::runtime_error(error.what())), error.message());  // as Python hands it back
  }
}

TEST_F(VerifyGraph, RefusesAValueOfAnotherGraph) {
  SmallGraph other;
  small_.unary("aten::neg", other.input());
  EXPECT_TRUE(says(error(), "%0 is read before it is computed, at %2: float32[rows, 3] = aten::neg"));
}

TEST_F(VerifyGraph, RefusesTwoProducersOfOneValue) {
  const Node& neg = small_.unary("aten::neg", x_);
  writable(neg.outputs()[0]) = writable(relu_.outputs()[0]);
  EXPECT_TRUE(says(error(), "%1 is defined twice, at %1: float32[rows, 3] = aten::neg"));
}

TEST_F(VerifyGraph, RefusesAValueThatNamesAnotherProducer) {
  const Node& neg = small_.unary("aten::neg", x_);
  std::swap(writable(neg.outputs()[0]), writable(relu_.outputs()[0]));
  EXPECT_TRUE(says(error(), "%2 doesn't say what computes it, at %2: float32[rows, 3] = aten::relu"));
}

TEST_F(VerifyGraph, RefusesUsersThatDoNotRead) {
  const Node& neg = small_.unary("aten::neg", x_);
  writable(x_.users()[0]) = &neg;
  EXPECT_TRUE(says(error(), "the users of %0 aren't those that it says"));
}

TEST_F(VerifyGraph, RefusesATensorWithoutItsStrides) {
  TensorMeta meta = dense({small_.rows, 3});
  meta.strides.pop_back();
  graph().add_node(op("aten::neg"), {&x_}, {meta}, {});
  EXPECT_TRUE(says(error(), "%2 has other axes in its strides, at %2"));
}

TEST_F(VerifyGraph, RefusesATensorWithoutADtype) {
  graph().add_node(op("aten::neg"), {&x_}, {dense({small_.rows, 3}, at::ScalarType::Undefined)}, {});
  EXPECT_TRUE(says(error(), "%2 has no dtype, at %2"));
}

TEST_F(VerifyGraph, RefusesAValueThatIsNeitherTensorNorNumber) {
  graph().add_node(op("aten::neg"), {&x_}, {OutputMeta(c10::IValue("text"))}, {});
  EXPECT_TRUE(says(error(), "%2 is neither a tensor nor a number, at %2"));
}

TEST_F(VerifyGraph, RefusesACallWithoutAllArguments) {
  graph().add_node(op("aten::add", "Tensor"), {&x_, &x_}, {dense({small_.rows, 3})}, {});
  EXPECT_TRUE(says(error(), "arguments are missing or too many, at %2"));
}

TEST_F(VerifyGraph, RefusesACallThatGivesMoreThanItSays) {
  writable(relu_.returns()[0]) = 2;
  EXPECT_TRUE(says(error(), "it gives another number of values than it says, at %1"));
}

TEST_F(VerifyGraph, RefusesASymbolThatNothingTells) {
  const c10::SymInt count = small_.shapes->sym_int(small_.shapes->unbacked());
  graph().add_node(op("aten::view"), {&x_, c10::IValue(std::vector<c10::SymInt>{count, 3})}, {dense({count, 3})}, {});
  EXPECT_TRUE(says(error(), "nothing binds u0 before it is read, at %2"));
}

TEST_F(VerifyGraph, RefusesAnOutputOfASymbolThatNothingTells) {
  graph().add_output({GraphOutput::Kind::kUser, nullptr, small_.shapes->sym_int(small_.shapes->unbacked()), 0});
  EXPECT_TRUE(says(error(), "nothing binds u0 before it is read, at output 0"));
}

TEST_F(VerifyGraph, RefusesAWeightWithoutAValue) {
  graph().add_input(GraphInput::Kind::kParameter, std::nullopt, "weight");
  EXPECT_TRUE(says(error(), "a tensor of the model has no value, at input weight"));
}

TEST_F(VerifyGraph, RefusesAWeightOfAnotherDtype) {
  graph().add_input(GraphInput::Kind::kParameter, dense({3}), "weight", at::zeros({3}, at::kDouble));
  EXPECT_TRUE(says(error(), "its data is of another dtype than %2, at input weight"));
}

TEST_F(VerifyGraph, RefusesAnOutputThatIsNotComputed) {
  SmallGraph other;
  small_.output(other.input());
  EXPECT_TRUE(says(error(), "%0 isn't computed, at output 0"));
}

TEST_F(VerifyGraph, RefusesAWriteOfNoTensor) {
  graph().add_output({GraphOutput::Kind::kInputMutation, nullptr, 1, 0});
  EXPECT_TRUE(says(error(), "what is written is no tensor, at output 0"));
}

TEST_F(VerifyGraph, RefusesAWriteToNoInput) {
  graph().add_output({GraphOutput::Kind::kInputMutation, &only(relu_), {}, 7});
  EXPECT_TRUE(says(error(), "it writes to an input that isn't there, at output 0"));
}

TEST_F(VerifyGraph, RefusesAWriteToAnInputOfAnotherKind) {
  graph().add_output({GraphOutput::Kind::kBufferMutation, &only(relu_), {}, 0});
  EXPECT_TRUE(says(error(), "it can't write to the input x, at output 0"));
}

class VerifySubgraph : public VerifyGraph {
 protected:
  /// The graph of `otherwise`; `then` is right.
  void add_cond(const std::shared_ptr<Graph>& otherwise) {
    const auto then = graph().make_subgraph();
    then->add_output(
        {GraphOutput::Kind::kUser, then->add_input(GraphInput::Kind::kUser, dense({small_.rows, 3}), "a"), {}, 0});
    const Value* truth = graph().add_input(GraphInput::Kind::kUser, dense({}, at::kBool), "truth");
    graph().add_node(control_flow::cond(), {truth, std::vector<const Value*>{&x_}},
                     {OutputMeta(std::vector<TensorMeta>{dense({small_.rows, 3})})}, {}, {then, otherwise});
  }
};

TEST_F(VerifySubgraph, RefusesAMissingOne) {
  add_cond(nullptr);
  EXPECT_TRUE(says(error(), "a subgraph is missing, at %3"));
}

TEST_F(VerifySubgraph, RefusesOneThatIsWrong) {
  const auto otherwise = graph().make_subgraph();
  otherwise->add_input(GraphInput::Kind::kUser, dense({small_.rows, 3}), "a");
  otherwise->add_node(op("aten::neg"), {&x_}, {dense({small_.rows, 3})}, {});  // of the graph around
  add_cond(otherwise);
  EXPECT_TRUE(says(error(),
                   "%0 is read before it is computed, at %1: float32[rows, 3] = aten::neg(self=%0), in a "
                   "subgraph, at %3: float32[rows, 3] = higher_order::cond"));
}

TEST_F(VerifySubgraph, TakesSymbolsOfTheGraphAround) {
  const auto otherwise = graph().make_subgraph();
  const Value* a = otherwise->add_input(GraphInput::Kind::kUser, dense({3}), "a");
  const Node& expanded =
      otherwise->add_node(op("aten::expand"), {a, c10::IValue(std::vector<c10::SymInt>{small_.rows, 3}), false},
                          {dense({small_.rows, 3})}, {});
  otherwise->add_output({GraphOutput::Kind::kUser, &only(expanded), {}, 0});
  add_cond(otherwise);
  EXPECT_EQ(error(), "nothing was thrown");
}

}  // namespace
}  // namespace tracejet
