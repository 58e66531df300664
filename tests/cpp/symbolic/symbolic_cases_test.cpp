// The cases that a condition on sizes comes to, against all sizes one by one.
#include <algorithm>

#include <gtest/gtest.h>

#include "symbolic/cases.h"
#include "symbolic/context.h"

namespace tracejet::symbolic {
namespace {

class Cases : public ::testing::Test {
 protected:
  static constexpr int64_t kMin = 1, kMax = 40;

  /// Whether a case comes to this size at some value of the symbol that is left in it.
  static bool covers(const Case& one, int64_t size) {
    const auto found = one.find("s");
    if (found == one.end()) return true;
    const auto symbols = symbols_of(found->second);
    if (symbols.empty()) return found->second.constant() == size;
    const Range range = symbols.front().range;
    for (int64_t value = range.min; value <= range.max; ++value) {
      if (evaluate(found->second, [&](const Symbol&) { return value; }) == size) return true;
    }
    return false;
  }

  void expect_covered(const Condition& condition) {
    const auto cases = cases_of(std::vector{condition});
    for (int64_t size = kMin; size <= kMax; ++size) {
      if (!holds(condition, [&](const Symbol&) { return size; })) continue;
      const bool covered = std::ranges::any_of(cases, [&](const Case& one) { return covers(one, size); });
      EXPECT_TRUE(covered) << condition.str() << " at " << size;
    }
  }

  std::shared_ptr<Context> context = Context::create();
  Expression s = context->symbol("s", {kMin, kMax}, 5);
  Expression t = context->symbol("t", {kMin, kMax}, 5);
};

TEST_F(Cases, CoverAllSizesAtWhichTheConditionHolds) {
  for (const int64_t number : {2, 3, 8, 40}) {
    expect_covered(equal(mod(s, number), 0));
    expect_covered(not_equal(mod(s, number), 1));
    expect_covered(less_equal(mod(-s, number), 0));
    expect_covered(less(floor_div(s, number), 3));
    expect_covered(less_equal(s, number));
    expect_covered(not_equal(s, number));
    expect_covered(logical_and(less(2, s), equal(mod(s, number), 1)));
  }
}

TEST_F(Cases, SimplifyWhatTheConditionIsAbout) {
  const Expression padding = mod(-s, 8);
  const auto cases = cases_of(std::vector{less_equal(padding, 0)});
  ASSERT_EQ(cases.size(), 1);
  EXPECT_EQ(in_case(padding, cases.front()), Expression(0));
  EXPECT_EQ(in_case(s + padding, cases.front()), in_case(s, cases.front()));
  const auto joined = cases_of(std::vector{equal(s, t)});
  ASSERT_EQ(joined.size(), 1);
  EXPECT_EQ(in_case(s, joined.front()), in_case(t, joined.front()));
}

TEST_F(Cases, OfWhatNeverHoldsThereAreNone) {
  EXPECT_TRUE(cases_of(std::vector{less(s, 3), less(7, s)}).empty());
  EXPECT_TRUE(cases_of(std::vector{equal(mod(s, 4), 1), equal(mod(s, 4), 2)}).empty());
}

}  // namespace
}  // namespace tracejet::symbolic
