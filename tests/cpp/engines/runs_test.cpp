// Programs of which some calls can't be recorded: the runs of calls between them are, with a recorder for the CPU.
#include "engines/aten/runs.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "engines/aten/program.h"
#include "engines/fake_recorder.h"
#include "engines/runtime_inputs.h"
#include "small_graph.h"

namespace tracejet {
namespace {

using testing::dense;
using testing::only;
using testing::op;

class Runs : public ::testing::Test {
 protected:
  /// `count` calls that can be recorded: |x|, and then its negation, over and over.
  const Value& chain(const Value& x, int count) {
    const Value* value = &x;
    for (int i = 0; i < count; ++i) value = &unary(i % 2 == 0 ? "aten::abs" : "aten::neg", *value);
    return *value;
  }
  const Value& unary(const char* name, const Value& x) {
    return only(small_.graph->add_node(op(name), {&x}, {x.tensor()}, {}));
  }
  /// Which isn't recorded.
  const Value& as_strided(const Value& x) {
    const c10::IValue none;
    return only(small_.graph->add_node(op("aten::as_strided"),
                                       {&x, std::vector<int64_t>{4, 3}, std::vector<int64_t>{3, 1}, none},
                                       {dense({4, 3})}, {}));
  }
  void compile(size_t most = 16) {
    program_ = aten::make_split_program(*small_.graph, c10::kCPU, {}, most,
                                        [this](c10::Device) { return std::make_unique<testing::FakeRecorder>(log_); });
  }
  at::Tensor run(const at::Tensor& x) const { return program_->run({x}, {}).at(0).toTensor(); }

  testing::SmallGraph small_;
  std::shared_ptr<testing::RecorderLog> log_ = std::make_shared<testing::RecorderLog>();
  std::unique_ptr<Executable> program_;
};

TEST_F(Runs, AreRecordedBetweenWhatCantBe) {
  small_.output(chain(as_strided(chain(small_.input(), 8)), 8));
  compile();
  ASSERT_NE(program_, nullptr);
  for (int call = 0; call < 5; ++call) {
    const at::Tensor x = at::randn({4, 3});
    EXPECT_TRUE(at::equal(run(x), -x.abs())) << "call " << call;
    EXPECT_EQ(log_->recorded, call < 1 ? 0 : 2);
    EXPECT_EQ(log_->replays, 2 * std::max(0, call - 1));
  }
}

TEST_F(Runs, OfFewCallsArentRecorded) {
  small_.output(chain(as_strided(chain(small_.input(), 3)), 3));
  compile();
  EXPECT_EQ(program_, nullptr);
}

TEST_F(Runs, GiveWhatIsReadBehindThemAndEarlierResultsStay) {
  const Value& first = chain(small_.input(), 9);
  small_.output(only(small_.sum(as_strided(first), first)));
  small_.output(first);
  compile();
  ASSERT_NE(program_, nullptr);
  std::vector<at::Tensor> given;
  std::vector<std::vector<c10::IValue>> results;
  for (int call = 0; call < 6; ++call) {
    given.push_back(at::randn({4, 3}));
    results.push_back(program_->run({given.back()}, {}));
  }
  for (size_t i = 0; i < given.size(); ++i) {
    EXPECT_TRUE(at::equal(results[i][0].toTensor(), 2 * given[i].abs())) << "call " << i;
    EXPECT_TRUE(at::equal(results[i][1].toTensor(), given[i].abs())) << "call " << i;
  }
}

TEST_F(Runs, ReadWeightsWhereTheyLie) {
  const Value& x = small_.input();
  const at::Tensor data = at::randn({4, 3});
  const Value& weight = *small_.graph->add_input(GraphInput::Kind::kParameter, dense({4, 3}), "weight", data);
  small_.output(only(small_.sum(chain(as_strided(x), 8), weight)));
  const auto split = aten::with_recorded_runs(*small_.graph, c10::kCPU);
  ASSERT_NE(split, nullptr);
  EXPECT_EQ(testing::calls_of(*split), "aten::as_strided tracejet::recorded");
  const Node& recorded = split->nodes().back();
  EXPECT_EQ(aten::passed_inputs(recorded), (RuntimeInputs{1}));
  EXPECT_TRUE(recorded.subgraphs().front()->inputs().front().data.is_same(data));
  compile();
  for (int call = 0; call < 4; ++call) {
    data.fill_(call);  // in place
    const at::Tensor given = at::randn({4, 3});
    EXPECT_TRUE(at::equal(run(given), data - given.abs())) << "call " << call;
  }
}

TEST_F(Runs, LeaveOutWhatGivesALargeResultLast) {
  const at::Tensor data = at::randn({1 << 21, 3});
  const Value& weight = *small_.graph->add_input(GraphInput::Kind::kParameter, dense({1 << 21, 3}), "weight", data);
  const Value& small = chain(only(small_.graph->add_node(op("aten::t"), {&small_.input()}, {dense({3, 4})}, {})), 8);
  const TensorMeta large = dense({1 << 21, 4});
  const Value& product = only(small_.graph->add_node(op("aten::mm"), {&weight, &small}, {large}, {}));
  small_.output(unary("aten::abs", product));
  EXPECT_TRUE(aten::gives_large_results_last(*small_.graph, c10::kCPU));
  const auto split = aten::with_recorded_runs(*small_.graph, c10::kCPU);
  ASSERT_NE(split, nullptr);
  EXPECT_EQ(testing::calls_of(*split), "tracejet::recorded aten::mm aten::abs");
  compile();
  for (int call = 0; call < 4; ++call) {
    const at::Tensor given = at::randn({4, 3});
    EXPECT_TRUE(at::allclose(run(given), at::mm(data, -given.t().abs()).abs())) << "call " << call;
  }
  EXPECT_EQ(log_->recorded, 1);
  EXPECT_EQ(log_->replays, 2);
}

TEST_F(Runs, CopyALargeResultWhereTheLastCallsReadAnother) {
  const TensorMeta large = dense({1 << 21, 3});
  const Value& weight =
      *small_.graph->add_input(GraphInput::Kind::kParameter, large, "weight", at::randn({1 << 21, 3}));
  const Value& first = unary("aten::abs", weight);
  const Value& total = only(small_.graph->add_node(op("aten::sum"), {&small_.input()}, {dense({})}, {}));
  small_.output(only(small_.graph->add_node(op("aten::add", "Tensor"), {&first, &total, 1}, {large}, {})));
  EXPECT_FALSE(aten::gives_large_results_last(*small_.graph, c10::kCPU));
}

TEST_F(Runs, HaveARecordingForEachNumberThatComesFromData) {
  const Value& x = small_.input();
  TensorMeta integer = dense({}, at::kLong);
  const Value& counted = *small_.graph->add_input(GraphInput::Kind::kUser, integer, "count");
  const auto expression = small_.shapes->unbacked();
  const c10::SymInt number = small_.shapes->sym_int(expression);
  small_.graph->add_node(op("aten::_local_scalar_dense"), {&counted}, {c10::IValue(number)}, {});
  const Value& many = chain(x, 8);
  small_.output(only(
      small_.graph->add_node(op("aten::mul", "Tensor"), {&many, c10::IValue(number)}, {dense({small_.rows, 3})}, {})));
  compile();
  ASSERT_NE(program_, nullptr);
  for (const int64_t count : {2, 3, 2, 3, 2, 3, 5}) {
    const at::Tensor given = at::randn({4, 3});
    const at::Tensor got = program_->run({given, at::scalar_tensor(count, at::kLong)}, {}).at(0).toTensor();
    EXPECT_TRUE(at::equal(got, -given.abs() * count)) << count;
  }
  EXPECT_EQ(log_->recorded, 2);
}

}  // namespace
}  // namespace tracejet
