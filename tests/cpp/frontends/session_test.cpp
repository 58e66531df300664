// What C++ code is promised of a trace: branches on data, loops, reports.
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include "message_of.h"
#include <tracejet/compile.h>
#include <tracejet/control_flow.h>
#include <tracejet/error.h>
#include <tracejet/trace.h>

namespace tracejet {
namespace {

using testing::message_of;

using Tensors = std::vector<at::Tensor>;

std::vector<Input> rows_and_ids() {
  Input x = Input::dynamic({1, 4}, {3, 4}, {9, 4}, at::kFloat, "x"), ids = x;
  ids.name = "ids";
  ids.dtype = at::kLong;
  x.shared_dims = ids.shared_dims = {{0, "rows"}};
  return {x, ids};
}

void expect_right_for_all_data(const Forward& forward) {
  const CompiledProgram compiled = compile(trace(forward, rows_and_ids()), {.engine = "aten"});
  for (const int64_t rows : {1, 2, 5, 9}) {
    for (const int64_t id : {0, 1, 2}) {
      const Tensors inputs{at::randn({rows, 4}), at::randint(id, id + 2, {rows, 4}, at::kLong)};
      EXPECT_TRUE(at::equal(compiled.run(inputs).at(0), forward(inputs).at(0))) << rows << " rows of " << id;
    }
  }
}

TEST(Session, ABranchOnDataThatMakesNoDifferenceIsNone) {
  expect_right_for_all_data([](const Tensors& in) {
    const at::Tensor mask = in[1] == 1;
    return Tensors{mask.any().item<bool>() ? in[0].masked_fill(mask, -1) : in[0]};
  });
}

TEST(Session, BranchesOnDataMayBeTwo) {
  expect_right_for_all_data([](const Tensors& in) {
    const at::Tensor first = in[1] == 1, second = in[1] == 2;
    at::Tensor x = in[0];
    if (first.any().item<bool>()) x = x.masked_fill(first, -1);
    return Tensors{second.any().is_nonzero() ? x.masked_fill(second, -2) : x};
  });
}

TEST(Session, ABranchOnDataThatMakesADifferenceIsRefused) {
  const auto doubled = [](const Tensors& in) { return Tensors{(in[1] == 1).any().item<bool>() ? in[0] * 2 : in[0]}; };
  EXPECT_THROW(trace(doubled, rows_and_ids()), DataDependent);
  const auto of_another_mask = [](const Tensors& in) {
    return Tensors{(in[1] == 1).any().item<bool>() ? in[0].masked_fill(in[1] == 2, -1) : in[0]};
  };
  EXPECT_THROW(trace(of_another_mask, rows_and_ids()), DataDependent);
}

TEST(Session, AdviceOnReadingDataIsInTheWordsOfCpp) {
  const auto reads = [](const Tensors& in) { return Tensors{(in[1] == 1).any().item<bool>() ? in[0] * 2 : in[0]}; };
  const std::string message = message_of<DataDependent>([&] { trace(reads, rows_and_ids()); });
  EXPECT_NE(message.find("at::where, tracejet::cond"), std::string::npos) << message;
  EXPECT_EQ(message.find("torch."), std::string::npos) << message;
}

TEST(Session, AdviceIsInTheWordsOfCpp) {
  const auto found = [](const Tensors& in, bool says_so) {
    const c10::SymInt count = at::nonzero(in[1]).sym_size(0);
    if (says_so) TORCH_SYM_CHECK(count.sym_ge(4), "why");
    return Tensors{count > 3 ? in[0] * 2 : in[0]};
  };
  try {
    trace([&](const Tensors& in) { return found(in, false); }, rows_and_ids());
    FAIL() << "the count isn't known";
  } catch (const DataDependent& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find(R"(TORCH_SYM_CHECK(u0.sym_ge(4), "why"))"), std::string::npos) << message;
    EXPECT_EQ(message.find("torch."), std::string::npos) << message;
  }
  trace([&](const Tensors& in) { return found(in, true); }, rows_and_ids());
}

const Input kPoints = Input::dynamic({1, 3}, {4, 3}, {9, 3}, at::kFloat, "x");

Tensors is_small(const Tensors& carried) { return {carried[0].abs().sum() < 100}; }

TEST(Session, ALoopWhoseBodyLeavesSomethingForItsNextRunIsRefused) {
  const auto counts = [](const Tensors& in) {
    int64_t runs = 0;
    return while_loop(is_small, [&](const Tensors& carried) { return Tensors{carried[0] * 2 + ++runs}; }, in);
  };
  EXPECT_THROW(trace(counts, {kPoints}), UnsupportedOperator);
  const auto grows = [](const Tensors& in) {
    int64_t limit = 10;
    const auto condition = [&](const Tensors& carried) { return Tensors{carried[0].abs().sum() < (limit += 10)}; };
    return while_loop(condition, [](const Tensors& carried) { return Tensors{carried[0] * 2}; }, in);
  };
  EXPECT_THROW(trace(grows, {kPoints}), UnsupportedOperator);
}

TEST(Session, SizesThatTheModelRefusesAreRefusedInARun) {
  const Input x = Input::dynamic({0, 1}, {4, 4}, {9, 9}, at::kFloat, "x");
  const Forward forward = [](const Tensors& in) {
    if (in[0].sym_size(0) == 1 && in[0].sym_size(1) == 1) throw std::runtime_error("one number has no spread");
    return Tensors{in[0] * 2};
  };
  const CompiledProgram compiled = compile(trace(forward, {x}), {.engine = "aten"});
  for (const auto& [rows, columns] : {std::pair(0, 1), std::pair(1, 2), std::pair(2, 1), std::pair(9, 9)}) {
    EXPECT_EQ(compiled.run({at::ones({rows, columns})}).at(0).size(0), rows);
  }
  const std::string message = message_of<Error>([&] { compiled.run({at::ones({1, 1})}); });
  EXPECT_NE(message.find("x[0]"), std::string::npos) << message;
  EXPECT_NE(message.find("x[1]"), std::string::npos) << message;
}

TEST(Session, ALoopWhoseBodyLeavesSomethingForTheCodeBehindItIsRefused) {
  const auto counts = [](const Tensors& in) {
    int64_t runs = 0;
    const auto body = [&](const Tensors& carried) {
      ++runs;
      return Tensors{carried[0] * 2};
    };
    const at::Tensor x = while_loop(is_small, body, in).at(0);
    return Tensors{x * runs};
  };
  EXPECT_THROW(trace(counts, {kPoints}), UnsupportedOperator);
}

TEST(Session, ALoopMayCountForNobody) {
  int64_t runs = 0;
  const auto counts = [&](const Tensors& in) {
    const auto body = [&](const Tensors& carried) {
      ++runs;
      return Tensors{carried[0] * 2 + at::ones({3})};
    };
    return while_loop(is_small, body, in);
  };
  const CompiledProgram compiled = compile(trace(counts, {kPoints}), {.engine = "aten"});
  const at::Tensor x = at::randn({5, 3});
  EXPECT_TRUE(at::allclose(compiled.run({x}).at(0), counts({x}).at(0)));
}

TEST(Session, AnUndefinedResultIsRefused) {
  EXPECT_EQ(message_of<InvalidInput>(
                [] { trace([](const Tensors& in) { return Tensors{in[0], at::Tensor()}; }, {kPoints}); }),
            "forward returns an undefined tensor as result 1, which can't be a program's result; leave it out");
}

TEST(Session, AnErrorOfPyTorchsNamesItsOperator) {
  const auto forward = [](const Tensors& in) { return Tensors{at::pixel_shuffle(in[0], 2)}; };
  const std::string message = message_of<Error>([&] { trace(forward, {Input::fixed({1, 3, 4, 4})}); });
  EXPECT_NE(message.find("[aten::pixel_shuffle]"), std::string::npos) << message;
}

// ---- diagnose -----------------------------------------------------------------------------------------------------

std::vector<Input> three_inputs() {
  return {Input::dynamic({2}, {8}, {64}, at::kFloat, "x"), Input::dynamic({2}, {16}, {64}, at::kFloat, "y"),
          Input::dynamic({2}, {16}, {64}, at::kFloat, "z")};
}

Tensors with_three_problems(const Tensors& in) {
  at::Tensor z = in[2];
  if (z.sym_size(0) > 10) z = z * 2;
  if (z.sym_size(0) < 50) z = z * 2;
  return {in[0].sum() * in[0].sym_size(0).guard_int(__FILE__, __LINE__) + (in[1] + z).sum()};
}

TEST(Diagnose, FindsAllProblemsInOneRun) {
  const Report report = diagnose(with_three_problems, three_inputs());
  EXPECT_FALSE(report.ok());
  std::vector<std::string> kinds;
  for (const ShapeProblem& problem : report.problems) kinds.push_back(problem.kind);
  EXPECT_EQ(kinds, (std::vector<std::string>{"narrower_range", "equal_sizes", "fixed_size"}));
  EXPECT_EQ(report.problems.at(2).axes, std::vector<std::string>{"x[0]"});
  EXPECT_NE(report.str().find("3 things keep sizes from varying as declared"), std::string::npos) << report.str();
  EXPECT_EQ(message_of<ConstraintViolation>([] { trace(with_three_problems, three_inputs()); }), report.str());
}

TEST(Diagnose, SuggestsInputsWithWhichATraceSucceeds) {
  const Report report = diagnose(with_three_problems, three_inputs());
  const std::vector<Input>& suggested = report.suggested_inputs;
  EXPECT_EQ(suggested.at(0).min_shape, std::vector<int64_t>{8});
  EXPECT_EQ(suggested.at(0).max_shape, std::vector<int64_t>{8});
  EXPECT_EQ(suggested.at(1).shared_dims, suggested.at(2).shared_dims);
  EXPECT_TRUE(diagnose(with_three_problems, suggested).ok());
  const CompiledProgram compiled = compile(trace(with_three_problems, suggested), {.engine = "aten"});
  const Tensors inputs{at::randn({8}), at::randn({30}), at::randn({30})};
  EXPECT_TRUE(at::allclose(compiled.run(inputs).at(0), with_three_problems(inputs).at(0)));
}

TEST(Diagnose, NarrowsProfiles) {
  const Input x = Input::with_profiles({{{2}, {2}, {4}}, {{8}, {16}, {64}}}, at::kFloat, "x");
  const auto forward = [](const Tensors& in) { return Tensors{in[0].sym_size(0) < 50 ? in[0] * 2 : in[0]}; };
  TraceOptions options;
  const Report report = diagnose(forward, {x}, {}, options);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.suggested_inputs.at(0).profiles.at(1), (ShapeRange{{8}, {16}, {49}}));
  EXPECT_TRUE(diagnose(forward, report.suggested_inputs).ok());
}

TEST(Diagnose, ReportsWhatEndsTheTraceAndWhatCameBefore) {
  const auto forward = [](const Tensors& in) {
    const at::Tensor scaled = in[0] * in[0].sym_size(0).guard_int(__FILE__, __LINE__);
    return Tensors{at::mm(scaled, in[0])};
  };
  const Report report = diagnose(forward, {Input::dynamic({2, 3}, {8, 3}, {64, 3}, at::kFloat, "x")});
  ASSERT_EQ(report.problems.size(), 2u);
  EXPECT_EQ(report.problems[0].kind, "fixed_size");
  EXPECT_EQ(report.problems[1].kind, "error");
  EXPECT_TRUE(report.error.starts_with("ShapeError: [aten::mm]")) << report.error;
  EXPECT_NE(report.str().find("the trace ended with ShapeError"), std::string::npos) << report.str();
}

TEST(Diagnose, HasNothingToSayOfCodeThatTakesEverySize) {
  const Report report = diagnose([](const Tensors& in) { return Tensors{in[0] * 2}; }, {kPoints});
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.str(), "every size can vary as declared");
  EXPECT_EQ(report.suggested_inputs.at(0).max_shape, kPoints.max_shape);
}

TEST(Diagnose, ThrowsWhereInputsContradictThemselves) {
  EXPECT_THROW(diagnose([](const Tensors& in) { return in; }, {Input::dynamic({4}, {2}, {9})}), InvalidInput);
}

}  // namespace
}  // namespace tracejet
