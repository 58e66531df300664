#include <gtest/gtest.h>

#include "symbolic/diagnosis.h"
#include "symbolic/solve.h"

namespace tracejet::symbolic {
namespace {

using Ranges = std::vector<Range>;

class SymbolicDiagnosis : public ::testing::Test {
 protected:
  Diagnosis run(bool asserts = true) const { return diagnose(*context, {asserts, {}}); }

  std::shared_ptr<Context> context = Context::create();
  Expression s = context->symbol("s", {1, 64}, 32);
  Expression t = context->symbol("t", {1, 64}, 32);
  Expression w = context->symbol("w", {2, 100}, 16);
};

Ranges solutions(const Condition& condition, const Expression& symbol) {
  return solve(condition, symbol.symbol(), symbol.symbol().range).value_or(Ranges{});
}

TEST_F(SymbolicDiagnosis, a_condition_on_one_size_is_solved) {
  EXPECT_EQ(solutions(less_equal(2 * s + 3, 40), s), (Ranges{{1, 18}}));
  EXPECT_EQ(solutions(less_equal(4, floor_div(s, 2)), s), (Ranges{{8, 64}}));
  EXPECT_EQ(solutions(equal(s * s, 49), s), (Ranges{{7, 7}}));
  EXPECT_EQ(solutions(not_equal(s, 7), s), (Ranges{{1, 6}, {8, 64}}));
  EXPECT_EQ(solutions(less_equal(0, s), s), (Ranges{{1, 64}}));
  EXPECT_EQ(solutions(less(float_function(Kind::kSqrt, to_float(s)), Expression::real(4.5)), s), (Ranges{{1, 20}}));
  EXPECT_EQ(solve(equal(mod(s, 3), 0), s.symbol(), {1, 64}), std::nullopt);
}

TEST_F(SymbolicDiagnosis, a_condition_is_solved_without_an_upper_bound_too) {
  const Expression open = context->symbol("open", {0, kInfinity}, 100);
  EXPECT_EQ(solutions(less_equal(1000000, open), open), (Ranges{{1000000, kInfinity}}));
  EXPECT_EQ(solutions(less_equal(3 * open, 1000), open), (Ranges{{0, 333}}));
}

TEST_F(SymbolicDiagnosis, nothing_assumed_is_no_problem) {
  const Diagnosis found = run();
  EXPECT_TRUE(found.problems.empty());
  EXPECT_TRUE(found.assertions.empty());
  ASSERT_EQ(found.corrections.size(), 3u);
  EXPECT_EQ(found.corrections[2].range, (Range{2, 100}));
  EXPECT_EQ(found.corrections[2].same_as, 2u);
}

TEST_F(SymbolicDiagnosis, a_number_that_was_asked_for_fixes_a_size) {
  context->guard_int(s);
  const Diagnosis found = run();
  ASSERT_EQ(found.problems.size(), 1u);
  EXPECT_EQ(found.problems[0].kind, Problem::Kind::kFixedSize);
  EXPECT_EQ(found.problems[0].range, Range::of(32));
  EXPECT_EQ(found.verdicts[0], Verdict::kViolation);
  EXPECT_EQ(found.corrections[0].range, Range::of(32));
  EXPECT_TRUE(found.assertions.empty());
}

TEST_F(SymbolicDiagnosis, a_number_made_of_two_sizes_fixes_both) {
  context->guard_int(s + w);
  const Diagnosis found = run();
  ASSERT_EQ(found.problems.size(), 2u);
  EXPECT_EQ(found.problems[0].range, Range::of(32));
  EXPECT_EQ(found.problems[1].range, Range::of(16));
}

TEST_F(SymbolicDiagnosis, a_number_of_which_several_sizes_are_right_is_a_range) {
  context->guard_int(floor_div(s, 10));
  const Diagnosis found = run();
  ASSERT_EQ(found.problems.size(), 1u);
  EXPECT_EQ(found.problems[0].kind, Problem::Kind::kNarrowerRange);
  EXPECT_EQ(found.problems[0].range, (Range{30, 39}));
}

TEST_F(SymbolicDiagnosis, equal_sizes_are_joined) {
  context->guard(equal(s, t));
  const Diagnosis found = run();
  ASSERT_EQ(found.problems.size(), 1u);
  EXPECT_EQ(found.problems[0].kind, Problem::Kind::kEqualSizes);
  EXPECT_EQ(found.problems[0].symbols.size(), 2u);
  EXPECT_EQ(found.corrections[1].same_as, 0u);
}

TEST_F(SymbolicDiagnosis, guards_on_one_size_are_one_problem) {
  context->guard(less_equal(17, s));
  context->guard(less_equal(2 * s, 90));
  context->guard(less_equal(20, s));
  const Diagnosis found = run();
  ASSERT_EQ(found.problems.size(), 1u);
  EXPECT_EQ(found.problems[0].kind, Problem::Kind::kNarrowerRange);
  EXPECT_EQ(found.problems[0].range, (Range{20, 45}));
  EXPECT_EQ(found.problems[0].guards, (std::vector<size_t>{0, 1, 2}));
}

TEST_F(SymbolicDiagnosis, relations_are_asserted) {
  context->guard(equal(mod(s, 8), 0));
  context->guard(equal(t, 2 * w));
  context->guard(less_equal(w, s));
  const Diagnosis found = run();
  EXPECT_TRUE(found.problems.empty());
  ASSERT_EQ(found.assertions.size(), 3u);
  EXPECT_EQ(found.assertions[0].condition.str(), "s % 8 == 0");
  EXPECT_EQ(found.verdicts, (std::vector(3, Verdict::kAsserted)));
}

TEST_F(SymbolicDiagnosis, relations_are_problems_where_the_user_wants_no_assertions) {
  context->guard(equal(mod(s, 8), 0));
  const Diagnosis found = run(/*asserts=*/false);
  ASSERT_EQ(found.problems.size(), 1u);
  EXPECT_EQ(found.problems[0].kind, Problem::Kind::kRelation);
  EXPECT_EQ(found.corrections[0].range, Range::of(32));
  EXPECT_TRUE(found.assertions.empty());
}

TEST_F(SymbolicDiagnosis, a_fixed_size_fixes_what_is_related_to_it) {
  context->guard(equal(t, 2 * w));
  context->guard_int(w);
  const Diagnosis found = run();
  ASSERT_EQ(found.problems.size(), 2u);
  EXPECT_EQ(found.corrections[1].range, Range::of(32));
  EXPECT_EQ(found.corrections[2].range, Range::of(16));
  EXPECT_TRUE(found.assertions.empty());
}

TEST_F(SymbolicDiagnosis, joined_sizes_are_narrowed_together) {
  context->guard(less_equal(t, 40));
  context->guard(equal(s, t));
  context->guard(less_equal(10, s));
  const Diagnosis found = run();
  EXPECT_EQ(found.problems.size(), 2u);
  EXPECT_EQ(found.corrections[0].range, (Range{10, 40}));
  EXPECT_EQ(found.corrections[1].range, (Range{10, 40}));
}

TEST_F(SymbolicDiagnosis, what_holds_everywhere_is_proven) {
  // No rule knows this one; trying every size does.
  context->guard(less(Expression::real(0.5), float_function(Kind::kSqrt, to_float(s))));
  const Diagnosis found = run();
  EXPECT_TRUE(found.problems.empty());
  EXPECT_TRUE(found.assertions.empty());
  for (const Verdict verdict : found.verdicts) EXPECT_EQ(verdict, Verdict::kProven);
}

TEST_F(SymbolicDiagnosis, a_branch_for_small_sizes_counts_where_the_model_asks) {
  EXPECT_FALSE(context->guard(equal(s, 1)));
  EXPECT_EQ(run().verdicts, std::vector{Verdict::kGeneral});
  EXPECT_FALSE(context->guard_branch(equal(s, 1)));
  const Diagnosis found = run();
  ASSERT_EQ(found.problems.size(), 1u);
  EXPECT_EQ(found.problems[0].kind, Problem::Kind::kSizeBranch);
  EXPECT_EQ(found.problems[0].range, (Range{2, 64}));
  const auto open = small_sizes(*context);
  ASSERT_EQ(open.size(), 1u);
  EXPECT_EQ(open[0].size, 1);
  EXPECT_TRUE(diagnose(*context, {true, {open[0].guard}}).problems.empty());
}

TEST_F(SymbolicDiagnosis, what_an_operator_needs_at_sizes_of_0_and_1_is_asserted) {
  const Expression z = context->symbol("z", {0, 8}, 4);
  EXPECT_TRUE(context->require(logical_and(less_equal(1, z), less_equal(2, s))));
  EXPECT_TRUE(context->require(less_equal(1, s)));  // always so
  EXPECT_TRUE(context->require(less_equal(1, z)));  // a part of the first: said once more
  EXPECT_FALSE(context->require(equal(w, 1)));
  EXPECT_EQ(context->decide(less_equal(1, z)), std::nullopt) << "nothing follows from it";
  const Diagnosis found = run(/*asserts=*/false);
  EXPECT_TRUE(found.problems.empty());
  EXPECT_EQ(found.corrections[3].range, (Range{0, 8}));
  ASSERT_EQ(found.assertions.size(), 3u);
  EXPECT_EQ(found.assertions[0].condition, less_equal(1, z));
  EXPECT_EQ(found.assertions[1].condition, less_equal(2, s));
  EXPECT_EQ(found.verdicts, (std::vector{Verdict::kAsserted, Verdict::kAsserted}));
}

TEST_F(SymbolicDiagnosis, what_an_operator_needs_is_proven_where_another_guard_says_so) {
  EXPECT_TRUE(context->require(less_equal(2, s)));
  context->guard(less_equal(5, s));
  EXPECT_TRUE(run().assertions.empty());
}

TEST_F(SymbolicDiagnosis, what_an_operator_needs_in_a_branch_is_checked_there) {
  {
    Context::Branch branch(*context, Context::Runs::kAlways);
    EXPECT_TRUE(context->require(less_equal(2, s)));
    EXPECT_EQ(branch.close().size(), 1u);
  }
  EXPECT_TRUE(run().assertions.empty());
  EXPECT_TRUE(context->require(less_equal(2, s)));
  EXPECT_EQ(run().assertions.size(), 1u);
}

TEST_F(SymbolicDiagnosis, what_is_demanded_where_code_runs_perhaps_holds_there_only) {
  {
    Context::Branch branch(*context, Context::Runs::kPerhaps);
    EXPECT_TRUE(context->expect(less_equal(4, s)));
    EXPECT_TRUE(context->require(less_equal(5, s)));
    EXPECT_EQ(context->decide(less_equal(3, s)), true);
    EXPECT_EQ(branch.close().size(), 2u);
  }
  EXPECT_FALSE(context->decide(less_equal(3, s)).has_value());
  EXPECT_TRUE(run().problems.empty());
  EXPECT_TRUE(run().assertions.empty());
  {
    Context::Branch branch(*context, Context::Runs::kAlways);
    EXPECT_TRUE(context->expect(less_equal(4, s)));
    EXPECT_TRUE(branch.close().empty());
  }
  EXPECT_EQ(run().problems.size(), 1u);
}

TEST_F(SymbolicDiagnosis, a_branch_that_another_guard_rules_out_is_none) {
  EXPECT_FALSE(context->guard_branch(equal(s, 1)));
  context->guard(less_equal(5, s));
  const Diagnosis found = run();
  ASSERT_EQ(found.problems.size(), 1u);
  EXPECT_EQ(found.problems[0].kind, Problem::Kind::kNarrowerRange);
  EXPECT_FALSE(context->guard_branch(equal(w, 1)));
  EXPECT_EQ(run().problems.size(), 1u);  // w is 2 at least
}

TEST_F(SymbolicDiagnosis, promises_on_data_are_asserted) {
  const Expression u = context->unbacked();
  context->expect(less_equal(u, s));
  const Diagnosis found = run();
  EXPECT_TRUE(found.problems.empty());
  ASSERT_EQ(found.assertions.size(), 1u);
  EXPECT_EQ(found.assertions[0].condition, less_equal(u, s));
}

TEST(SymbolicContextGuards, every_line_that_asks_again_is_noted) {
  const auto context = Context::create([] { return Location{}; });
  const Expression s = context->symbol("s", {1, 64}, 32);
  context->guard_branch(equal(mod(s, 3), 2));
  context->guard_branch(equal(mod(s, 3), 2));
  EXPECT_EQ(context->guards().back().where.size(), 2u);
  context->guard_int(s);
  context->guard_int(s + 1);
  ASSERT_EQ(context->guards().size(), 2u);
  EXPECT_EQ(context->guards().back().where.size(), 2u);
}

TEST(SymbolicContextGuards, a_condition_on_data_that_the_model_asserts_is_a_promise) {
  bool asserts = false;
  const auto context = Context::create({}, [&asserts] { return asserts; });
  const Expression u = context->unbacked();
  EXPECT_ANY_THROW(context->guard_branch(less_equal(u, 7)));
  asserts = true;
  EXPECT_ANY_THROW(context->guard(less_equal(u, 7)));  // PyTorch's code asks
  EXPECT_TRUE(context->guard_branch(less_equal(u, 7)));
  EXPECT_EQ(context->guards().back().kind, Guard::Kind::kAssertion);
}

}  // namespace
}  // namespace tracejet::symbolic
