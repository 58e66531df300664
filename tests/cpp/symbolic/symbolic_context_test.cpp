#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "symbolic/advice.h"
#include "symbolic/context.h"
#include "symbolic/sym_node.h"

namespace tracejet::symbolic {
namespace {

class SymbolicContext : public ::testing::Test {
 protected:
  size_t guards() const { return context->guards().size(); }
  std::string last_guard() const { return context->guards().back().condition.str(); }

  int located = 0;
  std::shared_ptr<Context> context = Context::create([this] {
    ++located;
    return Location{};
  });
  Expression s = context->symbol("s", {1, 64}, 32);
  Expression t = context->symbol("t", {1, 64}, 32);
};

TEST_F(SymbolicContext, ranges_decide_without_guards) {
  EXPECT_TRUE(context->guard(less_equal(1, s)));
  EXPECT_FALSE(context->guard(less(Expression(64), s)));
  EXPECT_TRUE(context->guard(less_equal(1, floor_div(s + 1, 2))));
  EXPECT_TRUE(context->guard(less_equal(1, s - floor_div(s, 2))));
  EXPECT_TRUE(context->guard(equal(s - floor_div(s, 2), ceil_div(s, 2))));
  EXPECT_EQ(guards(), 0u);
  EXPECT_EQ(located, 0);
}

TEST_F(SymbolicContext, an_open_condition_is_decided_by_the_hints_and_recorded_once) {
  EXPECT_TRUE(context->guard(less(Expression(16), s)));
  EXPECT_TRUE(context->guard(less(Expression(16), s)));
  EXPECT_FALSE(context->guard(less_equal(s, 16)));
  EXPECT_EQ(guards(), 1u);
  EXPECT_EQ(last_guard(), "s >= 17");
  EXPECT_EQ(context->guards()[0].where.size(), 3u);  // each line that asked
  EXPECT_EQ(context->range(s), (Range{17, 64}));
  EXPECT_EQ(context->symbols()[0].range, (Range{1, 64}));  // as declared
}

TEST_F(SymbolicContext, the_guard_holds_for_the_example_also_when_the_answer_is_no) {
  EXPECT_FALSE(context->guard(equal(s, 7)));
  EXPECT_EQ(last_guard(), "s != 7");
}

TEST_F(SymbolicContext, divisibility_is_a_fact) {
  EXPECT_TRUE(context->guard(equal(mod(s, 16), 0)));
  EXPECT_TRUE(context->guard(equal(mod(s, 8), 0)));
  EXPECT_TRUE(context->guard(equal(floor_div(s, 16) * 16, s)));
  EXPECT_TRUE(context->guard(equal(floor_div(s, 4) * 4, s)));
  EXPECT_TRUE(context->guard(equal(mod(floor_div(s, 2), 8), 0)));
  EXPECT_TRUE(context->guard(less_equal(16, s)));
  EXPECT_EQ(guards(), 1u);
  const Expression w = context->symbol("w", {1, 100}, 12);
  EXPECT_TRUE(context->guard(equal(mod(w, 4), 0)));
  EXPECT_TRUE(context->guard(equal(mod(w, 6), 0)));
  EXPECT_TRUE(context->guard(equal(mod(w, 12), 0)));
  EXPECT_EQ(guards(), 3u);
}

TEST_F(SymbolicContext, equality_is_a_fact) {
  EXPECT_TRUE(context->guard(equal(s, t)));
  EXPECT_TRUE(context->guard(less_equal(s, t)));
  EXPECT_TRUE(context->guard(equal(s * 2 + t, s * 3)));
  EXPECT_EQ(guards(), 1u);
  EXPECT_EQ(context->simplified(t + 1), s + 1);
}

TEST_F(SymbolicContext, an_inequality_between_sizes_is_a_fact) {
  const Expression w = context->symbol("w", {1, 64}, 40);
  EXPECT_TRUE(context->guard(less(s, w)));
  EXPECT_TRUE(context->guard(less(s, w + 3)));
  EXPECT_TRUE(context->guard(not_equal(s, w)));
  EXPECT_FALSE(context->guard(less_equal(w, s)));
  EXPECT_EQ(guards(), 1u);
}

TEST_F(SymbolicContext, a_number_asked_for_is_a_specialisation) {
  EXPECT_EQ(context->guard_int(s * 2), 64);
  ASSERT_EQ(guards(), 1u);
  EXPECT_EQ(context->guards()[0].kind, Guard::Kind::kSpecialization);
  EXPECT_EQ(last_guard(), "s == 32");
  EXPECT_EQ(context->guard_int(s), 32);
  EXPECT_EQ(context->simplified(s + 1), Expression(33));
  EXPECT_EQ(guards(), 1u);
}

TEST_F(SymbolicContext, a_float_asked_for_specialises_its_size) {
  EXPECT_DOUBLE_EQ(context->guard_float(float_function(Kind::kSqrt, to_float(s))), std::sqrt(32.0));
  EXPECT_EQ(last_guard(), "s == 32");
}

TEST_F(SymbolicContext, data_dependent_conditions_raise_and_say_what_to_do) {
  const Expression u = context->unbacked();
  EXPECT_EQ(u.str(), "u0");
  EXPECT_TRUE(context->guard(less_equal(0, u)));
  try {
    context->guard(less(Expression(3), u));
    FAIL() << "nothing is known of u0";
  } catch (const DataDependent& error) {
    EXPECT_NE(std::string(error.what()).find("u0 >= 4"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("torch._check"), std::string::npos) << error.what();
  }
  EXPECT_THROW(context->guard_int(u), DataDependent);
  EXPECT_EQ(guards(), 0u);
}

TEST_F(SymbolicContext, advice_is_made_of_the_condition_in_the_language_of_the_code) {
  const Expression u = context->unbacked(), v = context->unbacked();
  const Expression f = context->unbacked_float();
  const struct {
    Expression open;
    std::string python, cpp;
  } each[] = {
      {less(Expression(3), u), "torch._check(u0 >= 4)", R"(TORCH_SYM_CHECK(u0.sym_ge(4), "why"))"},
      {less(u, v), "torch._check(u0 < u1)", R"(TORCH_SYM_CHECK(u0.sym_lt(u1), "why"))"},
      {less_equal(2 * u + s, v), "torch._check(s + 2*u0 <= u1)", R"(TORCH_SYM_CHECK((s + 2*u0).sym_le(u1), "why"))"},
      {not_equal(u, s), "torch._check(s != u0)", R"(TORCH_SYM_CHECK(s.sym_ne(u0), "why"))"},
      {less(Expression::real(0.5), f), "torch._check(0.5 < f2)", R"(TORCH_SYM_CHECK(f2.sym_gt(0.5), "why"))"},
      {equal(floor_div(u, 2), 3), "torch._check(u0//2 == 3)", "TORCH_SYM_CHECK of that condition"},
      {u, "torch._check(u0 == 3)", R"(TORCH_SYM_CHECK(u0.sym_eq(3), "why"))"},
      {u + v, "torch._check(u0 + u1 == 3)", R"(TORCH_SYM_CHECK((u0 + u1).sym_eq(3), "why"))"},
  };
  for (const auto& [open, python, cpp] : each) {
    const std::string in_python = advice_on(open);
    const WrittenIn written_in(Language::kCpp);
    const std::string in_cpp = advice_on(open);
    EXPECT_NE(in_python.find(": " + python + ".\n"), std::string::npos) << in_python;
    EXPECT_NE(in_python.find("torch.where, or torch.cond"), std::string::npos) << in_python;
    EXPECT_NE(in_cpp.find(": " + cpp + ", on"), std::string::npos) << in_cpp;
    EXPECT_NE(in_cpp.find("at::where, or tracejet::cond"), std::string::npos) << in_cpp;
    EXPECT_EQ(in_cpp.find("torch."), std::string::npos) << in_cpp;
  }
}

TEST_F(SymbolicContext, what_the_model_promises_is_taken_for_granted) {
  const Expression u = context->unbacked();
  EXPECT_TRUE(context->expect(less_equal(u, s)));
  EXPECT_TRUE(context->expect(less_equal(4, u)));
  EXPECT_TRUE(context->guard(less(Expression(3), u)));
  EXPECT_TRUE(context->guard(less_equal(u, 64)));
  EXPECT_EQ(context->range(u), (Range{4, 64}));
  ASSERT_EQ(guards(), 2u);
  EXPECT_EQ(context->guards()[0].kind, Guard::Kind::kAssertion);
  EXPECT_TRUE(context->expect(equal(u, t)));
  EXPECT_EQ(context->simplified(u * 2), t * 2);
}

TEST_F(SymbolicContext, a_promise_that_fails_on_the_example_fails) {
  EXPECT_FALSE(context->expect(equal(s, 5)));
  EXPECT_FALSE(context->expect(less(Expression(100), s)));
  EXPECT_EQ(guards(), 0u);
}

TEST_F(SymbolicContext, size_oblivious_questions_leave_no_guard) {
  const Expression u = context->unbacked();
  EXPECT_EQ(context->decide_size_oblivious(equal(s, 1)), false);
  EXPECT_EQ(context->decide_size_oblivious(equal(s - 1, 1)), false);
  EXPECT_EQ(context->decide_size_oblivious(not_equal(u, 0)), true);
  EXPECT_EQ(context->decide_size_oblivious(less_equal(2, u)), true);
  EXPECT_EQ(context->decide_size_oblivious(less(s, t)), std::nullopt);
  EXPECT_EQ(guards(), 0u);
}

TEST_F(SymbolicContext, symbols_are_checked) {
  EXPECT_THROW(context->symbol("s", {1, 2}, 1), InvalidInput);
  EXPECT_THROW(context->symbol("x", {2, 8}, 1), InvalidInput);
}

}  // namespace
}  // namespace tracejet::symbolic
