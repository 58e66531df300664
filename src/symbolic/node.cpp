#include "symbolic/node.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "base/error.h"
#include "symbolic/steps.h"

namespace tracejet::symbolic {
namespace {

size_t mix(size_t seed, size_t value) { return seed ^ (value + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2)); }

size_t hash_of(const Node& node) {
  size_t hash =
      mix(static_cast<size_t>(node.kind) * 31 + static_cast<size_t>(node.type), std::hash<int64_t>()(node.value));
  if (node.type == Type::kFloat && node.kind == Kind::kConstant) hash = mix(hash, std::bit_cast<uint64_t>(node.real));
  if (node.symbol) hash = mix(hash, node.symbol->id);
  for (const Expression& operand : node.operands) hash = mix(hash, operand.hash());
  return hash;
}

/// The sum that a range is looked for: terms as coefficients of products, so that nothing is normalized on the way.
struct Monomial {
  int64_t coefficient;
  std::span<const Expression> factors;
};

Range range_of_product(int64_t coefficient, std::span<const Expression> factors) {
  Range range = Range::of(coefficient);
  for (size_t i = 0; i < factors.size(); ++i) {
    const Range factor = factors[i].range();
    // An even power isn't negative, which the product of two ranges doesn't see.
    if (i + 1 < factors.size() && factor.min < 0 && factors[i] == factors[i + 1]) {
      const Range square = factor * factor;
      range = range * Range{0, square.max};
      ++i;
    } else {
      range = range * factor;
    }
  }
  return range;
}

/// Finds k * (x - x % d) = k * d * (x // d) in a sum: the quotient's range is tighter than that of both parts.
class PairedRange {
 public:
  Range of(const std::vector<Monomial>& terms) {
    Range range{0, 0};
    for (const Monomial& term : terms) range = range + range_of_product(term.coefficient, term.factors);
    for (size_t i = 0; i < terms.size() && budget_ > 0; ++i) {
      const auto quotient = range_of_pair(terms[i]);
      if (!quotient) continue;
      --budget_;
      // Terms of the sum, less those of scale * (dividend - dividend % divisor), must leave something simpler.
      if (auto rest = without_pair(terms, i)) range = intersect(range, of(*rest) + *quotient);
    }
    return range;
  }

 private:
  static bool is_remainder(const Monomial& term) {
    return term.factors.size() == 1 && term.factors[0].kind() == Kind::kMod;
  }

  static std::optional<Range> range_of_pair(const Monomial& term) {
    if (!is_remainder(term)) return std::nullopt;
    const Expression& dividend = term.factors[0].operands()[0];
    const Expression& divisor = term.factors[0].operands()[1];
    if (!divisor.is_constant() || dividend.range().min == -kInfinity) return std::nullopt;
    const Range quotient = floor_div(dividend.range(), divisor.range());
    return Range::of(-term.coefficient) * (divisor.range() * quotient);
  }

  static std::optional<std::vector<Monomial>> without_pair(const std::vector<Monomial>& terms, size_t remainder) {
    std::vector<Monomial> rest = terms;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(remainder));
    for (const Expression& part : terms_of(terms[remainder].factors[0].operands()[0])) {
      int64_t added = 0;
      if (__builtin_mul_overflow(terms[remainder].coefficient, coefficient_of(part), &added)) return std::nullopt;
      const auto factors = factors_of(part);
      const auto same =
          std::ranges::find_if(rest, [&](const Monomial& other) { return std::ranges::equal(other.factors, factors); });
      if (same == rest.end()) {
        rest.push_back({added, factors});
      } else if (__builtin_add_overflow(same->coefficient, added, &same->coefficient)) {
        return std::nullopt;
      } else if (same->coefficient == 0) {
        rest.erase(same);
      }
    }
    return rest.size() + 1 < terms.size() ? std::optional(std::move(rest)) : std::nullopt;
  }

  int budget_ = 16;  ///< pairs looked at: sums with more are rare, and their range only stays wider
};

Range sum_range(const Node& node) {
  Range range{0, 0};
  bool has_mod = false;
  for (const Expression& term : node.operands) {
    range = range + term.range();
    const auto factors = factors_of(term);
    has_mod = has_mod || (factors.size() == 1 && factors[0].kind() == Kind::kMod);
  }
  if (!has_mod) return range;
  std::vector<Monomial> terms;
  for (const Expression& term : node.operands) terms.push_back({coefficient_of(term), factors_of(term)});
  return intersect(range, PairedRange().of(terms));
}

Range fold_range(const Node& node, Range (*combine)(const Range&, const Range&)) {
  Range range = node.operands.front().range();
  for (const Expression& operand : node.operands) range = combine(range, operand.range());
  return range;
}

/// Bits of two values that aren't negative stay below the next power of two.
Range bits_range(const Node& node) {
  const Range a = node.operands[0].range();
  const Range b = node.operands[1].range();
  if (a.min < 0 || b.min < 0) return Range::all();
  if (node.kind == Kind::kBitAnd) return {0, std::min(a.max, b.max)};
  const auto top = static_cast<uint64_t>(std::max(a.max, b.max));
  const int64_t limit = top >= (uint64_t{1} << 62) ? kInfinity : static_cast<int64_t>(std::bit_ceil(top + 1)) - 1;
  return {0, limit};
}

Range range_of(const Node& node) {
  if (node.type == Type::kFloat) return Range::all();
  if (node.type == Type::kBool && node.kind != Kind::kConstant) return {0, 1};
  switch (node.kind) {
    case Kind::kConstant:
      return Range::of(node.value);
    case Kind::kSymbol:
      return node.symbol->range;
    case Kind::kSum:
      return sum_range(node);
    case Kind::kProduct:
      return range_of_product(node.value, node.operands);
    case Kind::kFloorDiv:
      return floor_div(node.operands[0].range(), node.operands[1].range());
    case Kind::kMod:
      return mod(node.operands[0].range(), node.operands[1].range());
    case Kind::kMin:
      return fold_range(node, min);
    case Kind::kMax:
      return fold_range(node, max);
    case Kind::kBitAnd:
    case Kind::kBitOr:
    case Kind::kBitXor:
      return bits_range(node);
    case Kind::kShiftLeft:
    case Kind::kShiftRight:
    case Kind::kPower:
      return node.operands[0].range().min >= 0 ? Range{0, kInfinity} : Range::all();
    case Kind::kFromBool:
      return {0, 1};
    case Kind::kSelect:
      return unite(node.operands[1].range(), node.operands[2].range());
    default:
      return Range::all();
  }
}

void set_hint(Node& node) {
  if (node.kind == Kind::kConstant) {
    node.hint = node.value;
    node.real_hint = node.real;
    return;
  }
  if (node.symbol) {
    node.has_hint = node.symbol->backed;
    node.hint = node.symbol->hint;
    return;
  }
  std::vector<Value> values;
  values.reserve(node.operands.size());
  for (const Expression& operand : node.operands) {
    if (!operand.has_hint()) {
      node.has_hint = false;
      return;
    }
    values.push_back({operand.node().hint, operand.node().real_hint});
  }
  const Value value = apply_operator(node, values);
  node.hint = value.integer;
  node.real_hint = value.real;
}

/// What is larger has no use in a program, and can't be walked through in reasonable time.
void measure(Node& node) {
  constexpr uint64_t kMostOperators = 100'000;
  constexpr uint64_t kDeepest = 1'000;
  if (node.symbol) {
    node.symbols = uint64_t{1} << (node.symbol->id % 64);
    node.hint_is_possible = node.symbol->range.contains(node.symbol->hint);
  }
  for (const Expression& operand : node.operands) {
    const Node& part = operand.node();
    node.symbols |= part.symbols;
    node.hint_is_possible = node.hint_is_possible && part.hint_is_possible;
    node.size += part.size;
    node.depth = std::max(node.depth, part.depth + 1);
  }
  if (node.size <= kMostOperators && node.depth <= kDeepest) return;
  throw Error("a size has become too complex: it is made of " +
                  (node.depth > kDeepest ? std::to_string(kDeepest) + " operations in a row"
                                         : std::to_string(kMostOperators) + " operators") +
                  " on dynamic axes; declare one of them static",
              ErrorCode::kSizeArithmetic);
}

Expression finish(std::shared_ptr<Node> made) {
  Node& node = *made;
  count_steps(1 + node.operands.size());
  measure(node);
  node.hash = hash_of(node);
  node.range = range_of(node);
  set_hint(node);
  return Expression(std::move(made));
}

}  // namespace

uint64_t next_symbol_id() {
  static std::atomic<uint64_t> counter{0};
  return ++counter;
}

Expression make(Kind kind, Type type, std::vector<Expression> operands, int64_t coefficient) {
  auto node = std::make_shared<Node>();
  node->kind = kind;
  node->type = type;
  node->value = coefficient;
  node->operands = std::move(operands);
  return finish(std::move(node));
}

Expression Expression::integer(int64_t value) {
  // Small constants are made once: they are everywhere in shapes.
  constexpr int64_t kSmall = 64;
  const auto fresh = [](int64_t number) {
    auto node = std::make_shared<Node>();
    node->value = number;
    return finish(std::move(node));
  };
  static const std::vector<Expression>* const small = [&fresh] {
    auto* cache = new std::vector<Expression>;
    for (int64_t number = -kSmall; number <= kSmall; ++number) cache->push_back(fresh(number));
    return cache;
  }();
  if (-kSmall <= value && value <= kSmall) return (*small)[static_cast<size_t>(value + kSmall)];
  return fresh(value);
}

Expression::Expression() : Expression(integer(0)) {}

Expression Expression::real(double value) {
  auto node = std::make_shared<Node>();
  node->type = Type::kFloat;
  node->real = value;
  return finish(std::move(node));
}

Expression Expression::truth(bool value) {
  auto node = std::make_shared<Node>();
  node->type = Type::kBool;
  node->value = value ? 1 : 0;
  return finish(std::move(node));
}

Expression Expression::of(Symbol symbol) {
  auto node = std::make_shared<Node>();
  node->kind = Kind::kSymbol;
  if (symbol.is_float) node->type = Type::kFloat;
  node->symbol = std::make_shared<const Symbol>(std::move(symbol));
  return finish(std::move(node));
}

Kind Expression::kind() const { return node_->kind; }
Type Expression::type() const { return node_->type; }
int64_t Expression::constant() const { return node_->value; }
double Expression::real() const { return node_->real; }
const Symbol& Expression::symbol() const { return *node_->symbol; }
int64_t Expression::coefficient() const { return node_->kind == Kind::kProduct ? node_->value : 1; }
std::span<const Expression> Expression::operands() const { return node_->operands; }
Range Expression::range() const { return node_->range; }
bool Expression::has_hint() const { return node_->has_hint; }
size_t Expression::hash() const { return node_->hash; }

int64_t Expression::hint() const {
  if (!has_hint()) throw DataDependent("the value of " + str() + " is known only when the program runs");
  return node_->hint;
}

double Expression::real_hint() const {
  if (!has_hint()) throw DataDependent("the value of " + str() + " is known only when the program runs");
  return node_->real_hint;
}

bool operator==(const Expression& a, const Expression& b) {
  if (a.node_ == b.node_) return true;
  return a.hash() == b.hash() && compare(a, b) == std::strong_ordering::equal;
}

std::strong_ordering compare(const Expression& a, const Expression& b) {
  const Node& left = a.node();
  const Node& right = b.node();
  if (&left == &right) return std::strong_ordering::equal;
  // Symbols come first, in the order they were made in.
  const auto rank = [](const Node& node) { return node.kind == Kind::kSymbol ? -1 : static_cast<int>(node.kind); };
  if (auto order = rank(left) <=> rank(right); order != 0) return order;
  if (auto order = left.type <=> right.type; order != 0) return order;
  if (left.symbol) return left.symbol->id <=> right.symbol->id;
  if (auto order = left.operands.size() <=> right.operands.size(); order != 0) return order;
  for (size_t i = 0; i < left.operands.size(); ++i) {
    if (auto order = compare(left.operands[i], right.operands[i]); order != 0) return order;
  }
  if (auto order = left.value <=> right.value; order != 0) return order;
  return std::bit_cast<int64_t>(left.real) <=> std::bit_cast<int64_t>(right.real);
}

bool is_data_dependent(const Expression& expression) { return !expression.has_hint(); }

}  // namespace tracejet::symbolic
