#include <gtest/gtest.h>

#include "base/error.h"
#include "symbolic/layout.h"
#include "symbolic/sym_node.h"

namespace tracejet::symbolic {
namespace {

class SymbolicSymNode : public ::testing::Test {
 protected:
  size_t guards() const { return context->guards().size(); }
  bool channels_last(const std::vector<Expression>& sizes, const std::vector<Expression>& strides) {
    return is_channels_last_contiguous(*context, sizes, strides, 4);
  }

  std::shared_ptr<Context> context = Context::create();
  Expression s = context->symbol("s", {1, 64}, 8);
  Expression t = context->symbol("t", {1, 64}, 6);
  c10::SymInt a = context->sym_int(s);
  c10::SymInt b = context->sym_int(t);
};

TEST_F(SymbolicSymNode, arithmetic_of_symints) {
  EXPECT_EQ(*expression_of(a * 8 / 8 + b % 4 - 1), s + mod(t, 4) - 1);
  EXPECT_EQ(*expression_of(a.min(b)), min(s, t));
  EXPECT_EQ(*expression_of(2 * a), s * 2);
  EXPECT_EQ(*expression_of(c10::SymInt(7)), Expression(7));
  EXPECT_TRUE(a * 8 / 8 == a);
  EXPECT_TRUE(a >= 1);
  EXPECT_EQ(guards(), 0u);
  EXPECT_TRUE(a > b);
  EXPECT_EQ(guards(), 1u);
}

TEST_F(SymbolicSymNode, constants_become_plain_ints) {
  const c10::SymInt zero = a - a;
  EXPECT_FALSE(zero.is_symbolic());
  EXPECT_EQ(zero.maybe_as_int(), 0);
  EXPECT_FALSE(normalized(zero).is_heap_allocated());
  EXPECT_TRUE(normalized(a).is_symbolic());
  EXPECT_EQ(a.guard_int(__FILE__, __LINE__), 8);
  EXPECT_EQ(a.maybe_as_int(), 8);
  EXPECT_FALSE(normalized(a * 2).is_heap_allocated());
}

TEST_F(SymbolicSymNode, floats_and_bools_keep_their_expressions) {
  const c10::SymFloat root = c10::SymFloat(a.toSymNode()->sym_float()).sqrt();
  EXPECT_EQ(expression_of(root)->str(), "float(s)**0.5");
  const c10::SymBool larger = a.sym_gt(b);
  EXPECT_EQ(expression_of(larger)->str(), "t < s");
  EXPECT_EQ(statically_known(larger), std::nullopt);
  EXPECT_EQ(statically_known(a.sym_ge(1)), true);
  EXPECT_EQ(*expression_of(larger.sym_and(larger.sym_not())), Condition::truth(false));
  EXPECT_EQ(guards(), 0u);
}

TEST_F(SymbolicSymNode, questions_that_must_not_guard) {
  EXPECT_TRUE(is_statically_equal(a * 2 - a, a));
  EXPECT_FALSE(is_statically_equal(a, b));
  EXPECT_FALSE(TORCH_GUARD_OR_FALSE(a.sym_eq(1)));
  EXPECT_TRUE(TORCH_GUARD_OR_TRUE(a.sym_eq(1)));
  EXPECT_FALSE(TORCH_GUARD_SIZE_OBLIVIOUS(a.sym_eq(1)));
  EXPECT_EQ(hint_of(a * b), 48);
  EXPECT_EQ(hint_of(context->sym_int(context->unbacked())), std::nullopt);
  EXPECT_EQ(guards(), 0u);
}

TEST_F(SymbolicSymNode, symints_outlive_the_handle_of_their_context) {
  context.reset();
  EXPECT_EQ(*expression_of(a + b), s + t);
}

TEST_F(SymbolicSymNode, layouts_are_seen_in_strides) {
  const std::vector<Expression> sizes{s, 3, t, 5};
  EXPECT_TRUE(is_contiguous(*context, sizes, std::vector<Expression>{t * 15, t * 5, 5, 1}));
  EXPECT_FALSE(is_contiguous(*context, sizes, std::vector<Expression>{t * 15, 1, 15, 3}));
  EXPECT_TRUE(channels_last(sizes, {t * 15, 1, 15, 3}));
  EXPECT_TRUE(is_channels_last_strides(*context, sizes, std::vector<Expression>{t * 15, 1, 15, 3}, 4));
  EXPECT_FALSE(is_channels_last_strides(*context, sizes, std::vector<Expression>{t * 15, t * 5, 5, 1}, 4));
  EXPECT_TRUE(is_non_overlapping_and_dense(*context, sizes, std::vector<Expression>{t * 15, 1, 15, 3}));
  EXPECT_TRUE(is_non_overlapping_and_dense(*context, sizes, std::vector<Expression>{1, s, s * 3, s * t * 3}));
  EXPECT_FALSE(is_non_overlapping_and_dense(*context, sizes, std::vector<Expression>{t * 30, 2, 30, 6}));
  // the stride of an axis of size 1 is never used; of one that may be 1 it is
  EXPECT_TRUE(is_contiguous(*context, std::vector<Expression>{s, 1, 5}, std::vector<Expression>{5, 77, 1}));
  EXPECT_FALSE(is_contiguous(*context, std::vector<Expression>{5, s}, std::vector<Expression>{7, 1}));
  EXPECT_EQ(guards(), 0u);
}

TEST_F(SymbolicSymNode, a_foreign_node_is_refused) {
  class Foreign final : public c10::SymNodeImpl {
   public:
    bool is_int() override { return true; }
    std::string str() override { return "foreign"; }
  };
  const c10::SymInt foreign(c10::SymNode(c10::make_intrusive<Foreign>()));
  EXPECT_EQ(expression_of(foreign), std::nullopt);
  EXPECT_THROW(a + foreign, UnsupportedOperator);
}

}  // namespace
}  // namespace tracejet::symbolic
