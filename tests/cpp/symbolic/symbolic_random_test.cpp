// Random expressions against plain arithmetic on 128-bit integers: the normal form, ranges, bounds and decisions hold
// at every assignment.
#include <array>
#include <optional>
#include <random>

#include <gtest/gtest.h>

#include "base/error.h"
#include "symbolic/context.h"
#include "symbolic/node.h"

namespace tracejet::symbolic {
namespace {

using Wide = __int128;
constexpr size_t kSymbols = 3;
using Values = std::array<int64_t, kSymbols>;

/// The oracle: nullopt where Python would raise, or where a value leaves the 64 bits that expressions have.
using Naive = std::function<std::optional<Wide>(const Values&)>;
using NaiveCondition = std::function<std::optional<bool>(const Values&)>;

std::optional<Wide> fits(Wide value) {
  constexpr Wide kLimit = Wide{1} << 62;
  return -kLimit < value && value < kLimit ? std::optional(value) : std::nullopt;
}

Naive both(const Naive& a, const Naive& b, std::optional<Wide> (*combine)(Wide, Wide)) {
  return [=](const Values& values) -> std::optional<Wide> {
    const auto x = a(values);
    const auto y = b(values);
    if (!x || !y) return std::nullopt;
    return combine(*x, *y);
  };
}

std::optional<Wide> naive_floor_div(Wide a, Wide b) {
  if (b == 0) return std::nullopt;
  const Wide quotient = a / b;
  return quotient * b != a && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

struct Pair {
  Expression expression;
  Naive naive;
};

struct ConditionPair {
  Condition condition;
  NaiveCondition naive;
};

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  int64_t between(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(engine_); }

  /// One of a few shapes of ranges: sizes, numbers of any sign, small and large ones.
  Range range() {
    switch (between(0, 3)) {
      case 0:
        return {1, between(1, 64)};
      case 1:
        return {0, between(0, 1000)};
      case 2:
        return {between(-20, 0), between(0, 20)};
      default:
        return {between(2, 50), between(50, 5000)};
    }
  }

  Pair integer(const std::array<Expression, kSymbols>& symbols, int depth) {
    if (depth == 0 || between(0, 5) == 0) return leaf(symbols);
    // Parts that depend on each other, as in m * m - m * m // 2.
    if (!made_.empty() && between(0, 3) == 0) return made_[static_cast<size_t>(between(0, std::ssize(made_) - 1))];
    const Pair a = integer(symbols, depth - 1);
    if (between(0, 3) == 0) {  // by a constant, as strides and kernels are
      const int64_t number = between(0, 4) == 0 ? between(-7, -1) : between(1, 9);
      const Pair constant{number, [number](const Values&) { return std::optional<Wide>(number); }};
      return made_.emplace_back(combined(a, constant, between(0, 4)));
    }
    return made_.emplace_back(combined(a, integer(symbols, depth - 1), between(0, 7)));
  }

  ConditionPair condition(const std::array<Expression, kSymbols>& symbols, int depth) {
    const Pair a = integer(symbols, depth);
    const Pair b = between(0, 1) == 0 ? leaf(symbols) : integer(symbols, depth);
    const auto relation = [&](const Condition& made, bool (*holds)(Wide, Wide)) {
      return ConditionPair{made, [=](const Values& values) -> std::optional<bool> {
                             const auto x = a.naive(values);
                             const auto y = b.naive(values);
                             if (!x || !y) return std::nullopt;
                             return holds(*x, *y);
                           }};
    };
    switch (between(0, 4)) {
      case 0:
        return relation(equal(a.expression, b.expression), [](Wide x, Wide y) { return x == y; });
      case 1:
        return relation(not_equal(a.expression, b.expression), [](Wide x, Wide y) { return x != y; });
      case 2:
        return relation(less(a.expression, b.expression), [](Wide x, Wide y) { return x < y; });
      case 3:
        return relation(logical_not(less(a.expression, b.expression)), [](Wide x, Wide y) { return x >= y; });
      default:
        return relation(less_equal(a.expression, b.expression), [](Wide x, Wide y) { return x <= y; });
    }
  }

 private:
  Pair leaf(const std::array<Expression, kSymbols>& symbols) {
    if (between(0, 2) == 0) {
      const int64_t number = between(-12, 12);
      return {number, [number](const Values&) { return std::optional<Wide>(number); }};
    }
    const auto which = static_cast<size_t>(between(0, kSymbols - 1));
    return {symbols[which], [which](const Values& values) { return std::optional<Wide>(values[which]); }};
  }

  static Pair combined(const Pair& a, const Pair& b, int64_t operation) {
    switch (operation) {
      case 0:
        return {a.expression + b.expression, both(a.naive, b.naive, [](Wide x, Wide y) { return fits(x + y); })};
      case 1:
        return {a.expression - b.expression, both(a.naive, b.naive, [](Wide x, Wide y) { return fits(x - y); })};
      case 2:
        return {a.expression * b.expression, both(a.naive, b.naive, [](Wide x, Wide y) { return fits(x * y); })};
      case 3:
        return {floor_div(a.expression, b.expression), both(a.naive, b.naive, naive_floor_div)};
      case 4:
        return {mod(a.expression, b.expression), both(a.naive, b.naive, [](Wide x, Wide y) -> std::optional<Wide> {
                  const auto quotient = naive_floor_div(x, y);
                  return quotient ? std::optional(x - *quotient * y) : std::nullopt;
                })};
      case 5:
        return {min(a.expression, b.expression),
                both(a.naive, b.naive, [](Wide x, Wide y) { return std::optional(std::min(x, y)); })};
      case 6:
        return {max(a.expression, b.expression),
                both(a.naive, b.naive, [](Wide x, Wide y) { return std::optional(std::max(x, y)); })};
      default:
        return {ceil_div(a.expression, b.expression), both(a.naive, b.naive, [](Wide x, Wide y) -> std::optional<Wide> {
                  const auto quotient = naive_floor_div(-x, y);
                  return quotient ? std::optional(-*quotient) : std::nullopt;
                })};
    }
  }

  std::mt19937 engine_;
  std::vector<Pair> made_;
};

/// Symbols with values to try: the ends of the ranges, their neighbours, and values in between.
struct Setting {
  explicit Setting(Random& random) {
    for (size_t i = 0; i < kSymbols; ++i) {
      ranges[i] = random.range();
      hints[i] = random.between(ranges[i].min, ranges[i].max);
      symbols[i] = context->symbol("s" + std::to_string(i), ranges[i], hints[i]);
    }
    assignments.push_back(hints);
    for (int i = 0; i < 40; ++i) {
      Values values{};
      for (size_t k = 0; k < kSymbols; ++k) {
        const int64_t near = random.between(0, 2);
        switch (random.between(0, 3)) {
          case 0:
            values[k] = std::min(ranges[k].max, ranges[k].min + near);
            break;
          case 1:
            values[k] = std::max(ranges[k].min, ranges[k].max - near);
            break;
          default:
            values[k] = random.between(ranges[k].min, ranges[k].max);
        }
      }
      assignments.push_back(values);
    }
  }

  Assignment assign(const Values& values) const {
    return [this, values](const Symbol& symbol) -> int64_t {
      for (size_t k = 0; k < kSymbols; ++k) {
        if (symbols[k].symbol().id == symbol.id) return values[k];
      }
      ADD_FAILURE() << "a symbol nobody made: " << symbol.name;
      return 0;
    };
  }

  std::shared_ptr<Context> context = Context::create();
  std::array<Range, kSymbols> ranges;
  Values hints{};
  std::array<Expression, kSymbols> symbols;
  std::vector<Values> assignments;
};

/// Runs `body` for many seeds; an expression that overflows or divides by zero on the hints is skipped, as both are
/// errors a user gets to see. Most runs have to get through.
void for_many_seeds(const std::function<void(Random&, Setting&)>& body) {
  constexpr uint32_t kRuns = 6000;
  uint32_t completed = 0;
  for (uint32_t seed = 0; seed < kRuns; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Setting setting(random);
    try {
      body(random, setting);
      ++completed;
    } catch (const Error&) {
    }
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(completed, kRuns / 2);
}

TEST(SymbolicRandom, value_and_range_are_those_of_plain_arithmetic) {
  for_many_seeds([](Random& random, Setting& setting) {
    const Pair pair = random.integer(setting.symbols, 4);
    const Range tight = bounds(pair.expression);
    for (const Values& values : setting.assignments) {
      const auto expected = pair.naive(values);
      if (!expected) continue;
      const std::string text = pair.expression.str();
      const int64_t value = evaluate(pair.expression, setting.assign(values));
      EXPECT_EQ(value, static_cast<int64_t>(*expected)) << text;
      EXPECT_TRUE(pair.expression.range().contains(value)) << text << " = " << value;
      EXPECT_TRUE(tight.contains(value)) << text << " = " << value << " not in " << tight.min << ".." << tight.max;
    }
    EXPECT_EQ(pair.expression.hint(), evaluate(pair.expression, setting.assign(setting.hints)));
  });
}

TEST(SymbolicRandom, rebuilding_an_expression_changes_nothing) {
  for_many_seeds([](Random& random, Setting& setting) {
    const Expression made = random.integer(setting.symbols, 4).expression;
    const Expression again = rebuild(made, made.operands());
    EXPECT_EQ(made, again) << made.str() << " became " << again.str();
    EXPECT_EQ(made.hash(), again.hash());
  });
}

TEST(SymbolicRandom, decided_conditions_hold_at_every_assignment) {
  for_many_seeds([](Random& random, Setting& setting) {
    const ConditionPair pair = random.condition(setting.symbols, 3);
    const auto decided = setting.context->decide(pair.condition);
    for (const Values& values : setting.assignments) {
      const auto expected = pair.naive(values);
      if (!expected) continue;
      EXPECT_EQ(holds(pair.condition, setting.assign(values)), *expected) << pair.condition.str();
      EXPECT_EQ(decided.value_or(*expected), *expected) << pair.condition.str();
    }
  });
}

TEST(SymbolicRandom, what_follows_from_guards_holds_wherever_the_guards_do) {
  for_many_seeds([](Random& random, Setting& setting) {
    std::vector<std::pair<NaiveCondition, bool>> assumed;
    for (int i = 0; i < 3; ++i) {
      const ConditionPair fact = random.condition(setting.symbols, 2);
      assumed.emplace_back(fact.naive, setting.context->guard(fact.condition));
    }
    const size_t guards = setting.context->guards().size();
    const ConditionPair asked = random.condition(setting.symbols, 3);
    const auto decided = setting.context->decide(asked.condition);
    const Expression simplified = setting.context->simplified(asked.condition);
    EXPECT_EQ(setting.context->guards().size(), guards);
    for (const Values& values : setting.assignments) {
      bool all = true;
      for (const auto& [naive, value] : assumed) all = all && naive(values) == value;
      const auto expected = asked.naive(values);
      if (!all || !expected) continue;
      for (const Guard& guard : setting.context->guards()) {
        EXPECT_TRUE(holds(guard.condition, setting.assign(values))) << guard.condition.str();
      }
      EXPECT_EQ(holds(simplified, setting.assign(values)), *expected) << asked.condition.str();
      EXPECT_EQ(decided.value_or(*expected), *expected) << asked.condition.str();
    }
  });
}

}  // namespace
}  // namespace tracejet::symbolic
