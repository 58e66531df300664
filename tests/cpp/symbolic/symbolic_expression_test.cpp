#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "symbolic/context.h"
#include "symbolic/expression.h"
#include "symbolic/node.h"

namespace tracejet::symbolic {
namespace {

class SymbolicExpression : public ::testing::Test {
 protected:
  std::shared_ptr<Context> context = Context::create();
  Expression s = context->symbol("s", {1, 64}, 8);
  Expression t = context->symbol("t", {1, 100}, 6);
  Expression n = context->symbol("n", {-10, 10}, 3);
};

void expect_range(const Expression& expression, int64_t min, int64_t max) {
  EXPECT_EQ(expression.range(), (Range{min, max}))
      << expression.str() << " in " << expression.range().min << " … " << expression.range().max;
}

TEST_F(SymbolicExpression, sums_and_products_have_one_form) {
  EXPECT_EQ((s + 1) * (t - 1), s * t - s + t - 1);
  EXPECT_EQ(s + t - s, t);
  EXPECT_EQ(s - s, Expression(0));
  EXPECT_EQ(t * s * 2, s * (t + t));
  EXPECT_EQ((s * t * 3).coefficient(), 3);
  EXPECT_EQ((s + t * 2 + 5).operands().size(), 3u);
  EXPECT_EQ((s + t * 2 + 5).operands().back(), Expression(5));
  EXPECT_EQ((s + 1).hash(), (1 + s).hash());
  EXPECT_NE(s, t);
}

TEST_F(SymbolicExpression, floor_division_takes_out_what_divides) {
  EXPECT_EQ(floor_div(s * 8, 8), s);
  EXPECT_EQ(floor_div(s * 2 + 1, 2), s);
  EXPECT_EQ(floor_div(s * 6 + 4, 4), s + floor_div(s, 2) + 1);
  EXPECT_EQ(floor_div(s * t, t), s);
  EXPECT_EQ(floor_div((s + 1) * (t - 3), t - 3), s + 1);
  EXPECT_EQ(floor_div(s * 4, t * 4), floor_div(s, t));
  EXPECT_EQ(floor_div(s * t, t * n), floor_div(s, n));
  EXPECT_EQ(floor_div(floor_div(s, 3), 5), floor_div(s, 15));
  EXPECT_EQ(floor_div(floor_div(s, t), 2), floor_div(s, t * 2));
  EXPECT_EQ(floor_div(s, 65), Expression(0));
  EXPECT_EQ(floor_div(s, t + 64), Expression(0));
  EXPECT_EQ(floor_div(s, -2), floor_div(-s, 2));
  EXPECT_EQ(floor_div(s * t * 49, s * 49), t);
}

TEST_F(SymbolicExpression, sizes_of_strided_layers_compare_equal) {
  EXPECT_EQ(floor_div(s - 1, 2) + 1, floor_div(s + 1, 2));
  EXPECT_EQ(ceil_div(s, 2), floor_div(s + 1, 2));
  EXPECT_EQ(floor_div(floor_div(s - 1, 2) + 1 - 1, 2) + 1, floor_div(s + 3, 4));
  EXPECT_EQ(ceil_div(s, t), floor_div(s + t - 1, t));
  // five halvings of a convolutional network: padding 1, kernel 3, stride 2
  Expression size = s;
  for (int layer = 0; layer < 5; ++layer) size = floor_div(size + 2 - 3, 2) + 1;
  EXPECT_EQ(size, floor_div(s + 31, 32));
  // a patch embedding and back
  EXPECT_EQ(floor_div(s - 16, 16) + 1, floor_div(s, 16));
}

TEST_F(SymbolicExpression, modulo_drops_multiples) {
  EXPECT_EQ(mod(s * 49, 49), Expression(0));
  EXPECT_EQ(mod(s * 4 + t, 2), mod(t, 2));
  EXPECT_EQ(mod(s + 16, 16), mod(s, 16));
  EXPECT_EQ(mod(mod(s, 12) + t, 4), mod(s + t, 4));
  EXPECT_EQ(mod(s * t, s), Expression(0));
  EXPECT_EQ(mod(s * 4, 6), mod(s * 2, 3) * 2);
  EXPECT_EQ(mod(s, 100), s);
  EXPECT_EQ(mod(s, -5), -mod(-s, 5));
  EXPECT_EQ(mod(s * t, t * n), t * mod(s, n));
}

TEST_F(SymbolicExpression, quotient_and_remainder_belong_together) {
  EXPECT_EQ(floor_div(s, 4) * 4 + mod(s, 4), s);
  EXPECT_EQ(floor_div(floor_div(s, 4) * 4, 4), floor_div(s, 4));
  EXPECT_EQ(floor_div(floor_div(s, 4) * 4, 8), floor_div(s, 8));
  EXPECT_EQ(floor_div(s, t) * t, s - mod(s, t));
  expect_range(floor_div(s + 31, 32) * 32, 32, 64);
}

TEST_F(SymbolicExpression, division_and_modulo_of_negative_numbers_are_those_of_python) {
  EXPECT_EQ(floor_div(Expression(-7), 2), Expression(-4));
  EXPECT_EQ(mod(Expression(-7), 3), Expression(2));
  EXPECT_EQ(mod(Expression(7), -3), Expression(-2));
  const Assignment minus_seven = [](const Symbol&) { return int64_t{-7}; };
  EXPECT_EQ(evaluate(floor_div(n, 2), minus_seven), -4);
  EXPECT_EQ(evaluate(mod(n, 4), minus_seven), 1);
  EXPECT_THROW(floor_div(s, 0), InvalidInput);
  EXPECT_THROW(mod(s, 0), InvalidInput);
}

TEST_F(SymbolicExpression, min_and_max_drop_what_never_wins) {
  EXPECT_EQ(min(s, 64), s);
  EXPECT_EQ(max(s, 1), s);
  EXPECT_EQ(max(s, floor_div(s, 2)), s);
  EXPECT_EQ(max(s + t, t), s + t);
  EXPECT_EQ(max(max(s, t), s), max(t, s));
  EXPECT_EQ(min(max(s, t), s), s);
  EXPECT_EQ(min(s, t).kind(), Kind::kMin);
  EXPECT_EQ(max(s, max(t, 200)), Expression(200));
  EXPECT_EQ(abs(n).str(), "max(n, -n)");
  EXPECT_EQ(abs(s), s);
}

TEST_F(SymbolicExpression, ranges_are_tight) {
  expect_range(s * 2 + t, 3, 228);
  expect_range(s * t, 1, 6400);
  expect_range(n * n, 0, 100);
  expect_range(floor_div(s + 1, 2), 1, 32);
  expect_range(mod(s, 16), 0, 15);
  expect_range(mod(s, 200), 1, 64);
  expect_range(max(s, 10), 10, 64);
  expect_range(min(s, t), 1, 64);
  expect_range(-s, -64, -1);
  EXPECT_EQ(bounds(s - floor_div(s, 2)).min, 1);
  EXPECT_EQ(bounds((s - 1) * (t - 1)).min, 0);
  EXPECT_EQ(bounds(s * t - t).min, 0);
  EXPECT_EQ(bounds(max(s, t) - t).min, 0);
  EXPECT_EQ(bounds(s - mod(s, 7)).min, 0);
  EXPECT_EQ(bounds(s - floor_div(s, 2) - floor_div(s + 1, 2)), (Range{0, 0}));
}

TEST_F(SymbolicExpression, unbounded_ranges_saturate) {
  const Expression u = context->unbacked("u", {0, kInfinity});
  EXPECT_EQ((u * u + 5).range(), (Range{5, kInfinity}));
  EXPECT_EQ((-u).range(), (Range{-kInfinity, 0}));
  EXPECT_EQ(floor_div(u, 2).range(), (Range{0, kInfinity}));
  EXPECT_EQ(mod(u, 3).range(), (Range{0, 2}));
  EXPECT_EQ((u - u * 2 + 1).range(), (Range{-kInfinity, 1}));
}

TEST_F(SymbolicExpression, overflow_raises_instead_of_wrapping) {
  const Expression large = int64_t{1} << 62;
  EXPECT_THROW(large * 4, Error);
  EXPECT_THROW(large + large, Error);
  EXPECT_THROW(power(Expression(10), 30), Error);
  const Assignment huge = [](const Symbol&) { return int64_t{1} << 40; };
  EXPECT_THROW(evaluate(s * t, huge), Error);
}

TEST_F(SymbolicExpression, comparisons_have_one_form) {
  EXPECT_EQ(less(s, t), logical_not(less_equal(t, s)));
  EXPECT_EQ(less(s, t), less_equal(s + 1, t));
  EXPECT_EQ(less_equal(s * 2, t * 2 + 1), less_equal(s, t));
  EXPECT_EQ(equal(s * 3, t * 3), equal(t, s));
  EXPECT_EQ(equal(s * 2, 7), Condition::truth(false));
  EXPECT_EQ(less_equal(1, s), Condition::truth(true));
  EXPECT_EQ(equal(s, 100), Condition::truth(false));
  EXPECT_EQ(logical_not(logical_and(less(s, t), equal(s, 4))), logical_or(less_equal(t, s), not_equal(s, 4)));
  EXPECT_EQ(logical_and(less(s, t), less_equal(t, s)), Condition::truth(false));
  EXPECT_EQ(logical_or(less(s, t), less_equal(t, s)), Condition::truth(true));
}

TEST_F(SymbolicExpression, prints_as_python) {
  EXPECT_EQ(((s + 1) * 3 - t * t).str(), "-t*t + 3*s + 3");
  EXPECT_EQ(floor_div(s + 1, 2).str(), "(s + 1)//2");
  EXPECT_EQ((floor_div(s, 3) * 2).str(), "2*(s//3)");
  EXPECT_EQ(mod(s + t, 4).str(), "(s + t) % 4");
  EXPECT_EQ((mod(s, 4) * t).str(), "t*(s % 4)");
  EXPECT_EQ(less(Expression(3), s).str(), "s >= 4");
  EXPECT_EQ(less(s, t).str(), "s < t");
  EXPECT_EQ(less_equal(s, 5).str(), "s <= 5");
  EXPECT_EQ(equal(mod(s, 16), 0).str(), "s % 16 == 0");
  EXPECT_EQ(logical_and(less(s, t), logical_or(equal(s, 4), equal(t, 4))).str(), "s < t and (s == 4 or t == 4)");
  EXPECT_EQ(float_function(Kind::kSqrt, to_float(s)).str(), "sqrt(float(s))");
  EXPECT_EQ(select(less(s, t), s, t + 1).str(), "s if s < t else t + 1");
  EXPECT_EQ(power(s, t).str(), "s**t");
}

TEST_F(SymbolicExpression, integers_are_seen_behind_floats) {
  const Expression half = true_div(s, 2);
  EXPECT_EQ(to_int(Kind::kFloor, half), floor_div(s, 2));
  EXPECT_EQ(to_int(Kind::kCeil, half), ceil_div(s, 2));
  EXPECT_EQ(to_int(Kind::kTruncate, half), floor_div(s, 2));
  EXPECT_EQ(to_int(Kind::kTruncate, true_div(n, 2)).kind(), Kind::kTruncate);
  const Expression doubled = float_binary(Kind::kMultiply, to_float(s), Expression::real(2.0));
  EXPECT_EQ(to_int(Kind::kFloor, doubled), s * 2);
  const Expression scaled = float_binary(Kind::kMultiply, to_float(s), Expression::real(0.25));
  EXPECT_EQ(to_int(Kind::kFloor, scaled), floor_div(s, 4));
  EXPECT_EQ(to_int(Kind::kFloor, true_div(to_float(s), Expression::real(14.0))), floor_div(s, 14));
  // 0.1 isn't a tenth, so this one has to stay a float
  const Expression tenth = float_binary(Kind::kMultiply, to_float(s), Expression::real(0.1));
  EXPECT_EQ(to_int(Kind::kFloor, tenth).kind(), Kind::kFloor);
  EXPECT_EQ(less(to_float(s), Expression::real(2.5)), less_equal(s, 2));
  EXPECT_EQ(less(to_float(s), Expression::real(2.0)), less_equal(s, 1));
  EXPECT_EQ(less(Expression::real(2.5), to_float(s)), less_equal(3, s));
  EXPECT_EQ(equal(to_float(s), Expression::real(2.5)), Condition::truth(false));
}

TEST_F(SymbolicExpression, values_of_every_operator) {
  const Assignment five = [](const Symbol&) { return int64_t{5}; };
  EXPECT_EQ(evaluate(power(s, t), five), 3125);
  EXPECT_EQ(evaluate(bit_and(s, 6), five), 4);
  EXPECT_EQ(evaluate(bit_or(s, 2), five), 7);
  EXPECT_EQ(evaluate(bit_xor(s, 1), five), 4);
  EXPECT_EQ(evaluate(shift_left(s, t), five), 160);
  EXPECT_EQ(shift_left(s, 3), s * 8);
  EXPECT_EQ(shift_right(s, 1), floor_div(s, 2));
  EXPECT_EQ(evaluate(from_bool(less(s, t)), five), 0);
  EXPECT_EQ(evaluate(select(less(s, t), s, t * 2), five), 10);
  EXPECT_EQ(evaluate(to_int(Kind::kRound, true_div(s, 2)), five), 2);  // half to even
  EXPECT_DOUBLE_EQ(evaluate_float(true_div(s, 2), five), 2.5);
  EXPECT_DOUBLE_EQ(evaluate_float(float_function(Kind::kSqrt, to_float(s)), five), std::sqrt(5.0));
  EXPECT_DOUBLE_EQ(evaluate_float(round_digits(true_div(s, 3), 2), five), 1.67);
  EXPECT_DOUBLE_EQ(evaluate_float(float_binary(Kind::kFloatMod, float_negate(to_float(s)), Expression::real(3)), five),
                   1);
  // the side that isn't taken may divide by zero
  EXPECT_EQ(evaluate(select(equal(s, t), s, floor_div(s, s - t)), five), 5);
}

TEST_F(SymbolicExpression, bounds_of_powers_of_quotients_hold) {
  // 2 * (w // 2) is w - w % 2, by which a sum loses sight of how it depends on w // 2.
  for (const int64_t least : {0, 1, 2, 3}) {
    const Expression w = context->symbol("w" + std::to_string(least), {least, 9}, 8);
    for (const int64_t divisor : {2, 3}) {
      const Expression part = floor_div(w, divisor), square = part * part;
      for (const Expression& sum : {floor_div(square, 2) - square, square - floor_div(square, 3) - part,
                                    part * w - square * 2, square * part - part * w}) {
        const Range range = bounds(sum);
        for (int64_t value = least; value <= 9; ++value) {
          const int64_t result = evaluate(sum, [&](const Symbol&) { return value; });
          EXPECT_TRUE(range.contains(result))
              << sum.str() << " at " << value << ": " << result << " not in " << range.min << ".." << range.max;
        }
      }
    }
  }
}

TEST_F(SymbolicExpression, products_of_many_sums_stay_bounded) {
  Expression product = 1;
  for (int i = 0; i < 14; ++i) product = product * (context->symbol("d" + std::to_string(i), {1, 2}, 1) + 1);
  EXPECT_LE(terms_of(product).size(), 600u);
  EXPECT_EQ(evaluate(product, [](const Symbol&) { return int64_t{1}; }), 1 << 14);
}

}  // namespace
}  // namespace tracejet::symbolic
