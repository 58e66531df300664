// Recordings of programs, with a recorder for the CPU in the place of CUDA's.
#include "engines/recording/replaying.h"

#include <thread>

#include <ATen/TensorOperators.h>
#include <ATen/ops/add.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "engines/aten/program.h"
#include "engines/fake_recorder.h"
#include "engines/runtime_inputs.h"
#include "small_graph.h"

namespace tracejet {
namespace {

using testing::only;

class Replaying : public ::testing::Test {
 protected:
  void compile(size_t most = 16) {
    const RuntimeInputs inputs = runtime_inputs_of(*small_.graph);
    program_ = recording::make_replaying(aten::repeatable(small_.graph, inputs, {}), c10::kCPU, most,
                                         [this](c10::Device) { return std::make_unique<testing::FakeRecorder>(log_); });
  }
  std::vector<c10::IValue> run(const at::Tensor& x) const {
    RuntimeSizes sizes;
    return program_->run({x}, sizes);
  }
  at::Tensor result(const at::Tensor& x) const { return run(x).at(0).toTensor(); }

  /// neg(abs(x))
  void build() { small_.output(only(small_.unary("aten::neg", only(small_.unary("aten::abs", small_.input()))))); }

  testing::SmallGraph small_;
  std::shared_ptr<testing::RecorderLog> log_ = std::make_shared<testing::RecorderLog>();
  std::unique_ptr<Executable> program_;
};

TEST_F(Replaying, RecordsTheSecondCallOfALayoutAndReplaysLaterOnes) {
  build();
  compile();
  for (int call = 0; call < 5; ++call) {
    const at::Tensor x = at::randn({4, 3});
    EXPECT_TRUE(at::equal(result(x), -x.abs())) << "call " << call;
    EXPECT_EQ(log_->recorded, call < 1 ? 0 : 1);
    EXPECT_EQ(log_->replays, std::max(0, call - 1));
  }
  // A replay on another stream waits for the one that it was recorded on, too: its memory is of that stream.
  EXPECT_EQ(log_->waits, log_->replays + log_->recorded);
  EXPECT_EQ(log_->marks, log_->replays + log_->recorded);
}

TEST_F(Replaying, LeavesEarlierResultsAlone) {
  build();
  compile();
  std::vector<at::Tensor> given, results;
  for (int call = 0; call < 6; ++call) {
    given.push_back(at::randn({4, 3}));
    results.push_back(result(given.back()));
  }
  for (size_t i = 0; i < given.size(); ++i) EXPECT_TRUE(at::equal(results[i], -given[i].abs())) << "call " << i;
}

TEST_F(Replaying, HasARecordingForEachLayout) {
  build();
  compile();
  const auto call_with = [&](const at::Tensor& x) {
    const at::Tensor y = result(x);
    EXPECT_TRUE(at::equal(y, -x.abs()));
    EXPECT_EQ(y.strides(), (-x.abs()).strides());
  };
  for (int round = 0; round < 3; ++round) {
    call_with(at::randn({4, 3}));
    call_with(at::randn({7, 3}));
    call_with(at::randn({3, 4}).t());
    call_with(at::randn({8, 3}).slice(0, 0, 8, 2));
    call_with(at::randn({1, 3}).expand({4, 3}));
    call_with(at::randn({0, 3}));
  }
  EXPECT_EQ(log_->recorded, 6);
  EXPECT_EQ(log_->replays, 6);
}

TEST_F(Replaying, KeepsRecordingsOfTheLayoutsThatWereCalledLast) {
  build();
  compile(/*most=*/2);
  const auto call_twice = [&](int64_t rows) {
    for (int call = 0; call < 2; ++call) result(at::randn({rows, 3}));
  };
  call_twice(2);
  call_twice(3);
  result(at::randn({2, 3}));  // so 3 is the oldest one
  call_twice(4);
  EXPECT_EQ(log_->recordings, 2);
  EXPECT_EQ(log_->synchronizations, 1) << "a recording in flight must not lose its memory";
  const int before = log_->replays;
  result(at::randn({2, 3}));
  result(at::randn({4, 3}));
  EXPECT_EQ(log_->replays, before + 2);
  result(at::randn({3, 3}));
  EXPECT_EQ(log_->replays, before + 2);
}

TEST_F(Replaying, DropsItsRecordingsWithTheProgram) {
  build();
  compile();
  for (int call = 0; call < 3; ++call) result(at::randn({4, 3}));
  program_.reset();
  EXPECT_EQ(log_->recordings, 0);
  EXPECT_EQ(log_->synchronizations, 1);
}

TEST_F(Replaying, RunsAsItIsWhileSomebodyElseRecords) {
  build();
  compile();
  log_->is_recorded_by_others = true;
  for (int call = 0; call < 4; ++call) result(at::randn({4, 3}));
  EXPECT_EQ(log_->recorded, 0);
}

TEST_F(Replaying, SaysOnceThatItCantBeRecordedAndRunsOn) {
  build();
  compile();
  log_->failure = "operation not permitted";
  std::string said;
  class Handler final : public c10::WarningHandler {
   public:
    explicit Handler(std::string& said) : said_(said) {}
    void process(const c10::Warning& warning) override { said_ += warning.msg(); }

   private:
    std::string& said_;
  } handler(said);
  const c10::WarningUtils::WarningHandlerGuard guard(&handler);
  for (int call = 0; call < 5; ++call) {
    const at::Tensor x = at::randn({4, 3});
    EXPECT_TRUE(at::equal(result(x), -x.abs()));
  }
  EXPECT_TRUE(testing::says(said, "CUDA graphs are off for this program"));
  EXPECT_TRUE(testing::says(said, "aten::abs"));
  EXPECT_TRUE(testing::says(said, "operation not permitted"));
  EXPECT_EQ(said.find("CUDA graphs"), said.rfind("CUDA graphs")) << said;
}

TEST_F(Replaying, GivesResultsThatShareMemoryAsTheProgramDoes) {
  const Value& x = small_.input();
  const Value& negative = only(small_.unary("aten::neg", x));
  const Value& turned = only(small_.graph->add_node(
      testing::op("aten::permute"), {&negative, std::vector<int64_t>{1, 0}}, {testing::dense({3, small_.rows})}, {}));
  const Value& seen = only(small_.graph->add_node(testing::op("aten::permute"), {&x, std::vector<int64_t>{1, 0}},
                                                  {testing::dense({3, small_.rows})}, {}));
  for (const Value* value : {&negative, &turned, &seen, &x}) small_.output(*value);
  compile();
  for (int call = 0; call < 4; ++call) {
    const at::Tensor given = at::randn({4, 3});
    const auto results = run(given);
    EXPECT_TRUE(at::equal(results[0].toTensor(), -given));
    EXPECT_TRUE(at::equal(results[1].toTensor(), (-given).t()));
    EXPECT_TRUE(results[1].toTensor().is_alias_of(results[0].toTensor()));
    EXPECT_EQ(results[1].toTensor().strides(), given.t().strides());
    EXPECT_TRUE(at::equal(results[2].toTensor(), given.t()));
    EXPECT_TRUE(results[2].toTensor().is_alias_of(given)) << "call " << call;
    EXPECT_TRUE(results[3].toTensor().is_same(given));
  }
  EXPECT_EQ(log_->replays, 2);
}

TEST_F(Replaying, ReadsTheModelsTensorsWhereTheyLie) {
  const at::Tensor weight = at::randn({1, 3}), state = at::zeros({1, 3});
  const auto& graph = small_.graph;
  const Value& w = *graph->add_input(GraphInput::Kind::kParameter, testing::dense({1, 3}), "w", weight);
  const Value& s = *graph->add_input(GraphInput::Kind::kBuffer, testing::dense({1, 3}), "s", state);
  const Value& x = small_.input();
  graph->order_inputs();
  const Value& next =
      only(graph->add_node(testing::op("aten::add", "Tensor"), {&s, &w, 1}, {testing::dense({1, 3})}, {}));
  small_.output(only(small_.sum(x, next)));
  graph->add_output({GraphOutput::Kind::kBufferMutation, &next, {}, 1});
  compile();
  const at::Tensor given = at::randn({4, 3});
  const auto call = [&] {
    RuntimeSizes sizes;
    const auto results = program_->run({state, given}, sizes);
    EXPECT_TRUE(at::equal(results[0].toTensor(), given + (state + weight)));
    state.copy_(results[1].toTensor());
  };
  for (int i = 0; i < 4; ++i) call();
  EXPECT_EQ(log_->recorded, 1);
  EXPECT_EQ(log_->replays, 2);
  state.set_data(at::ones({1, 3}));  // elsewhere
  for (int i = 0; i < 3; ++i) call();
  EXPECT_EQ(log_->recorded, 2);
  weight.set_data(at::randn({1, 3}));
  for (int i = 0; i < 3; ++i) call();
  EXPECT_EQ(log_->recorded, 3);
}

TEST_F(Replaying, IsSafeFromSeveralThreads) {
  build();
  compile(/*most=*/3);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      // A size comes some times in a row: else five of them may drive each other out of three places for ever.
      for (int call = 0; call < 200; ++call) {
        const at::Tensor x = at::randn({2 + (call / 8 + thread) % 5, 3});
        if (!at::equal(result(x), -x.abs())) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(log_->replays, 0);
}

}  // namespace
}  // namespace tracejet
