// Visitors: rebuilding an expression from its parts, substitution, the symbols that take part.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "symbolic/node.h"

namespace tracejet::symbolic {

Expression rebuild(const Expression& expression, std::span<const Expression> in) {
  switch (expression.kind()) {
    case Kind::kConstant:
    case Kind::kSymbol:
      return expression;
    case Kind::kSum:
      return sum(in);
    case Kind::kProduct: {
      Expression product = expression.coefficient();
      for (const Expression& factor : in) product = product * factor;
      return product;
    }
    case Kind::kFloorDiv:
      return floor_div(in[0], in[1]);
    case Kind::kMod:
      return mod(in[0], in[1]);
    case Kind::kPower:
      return power(in[0], in[1]);
    case Kind::kBitAnd:
      return bit_and(in[0], in[1]);
    case Kind::kBitOr:
      return bit_or(in[0], in[1]);
    case Kind::kBitXor:
      return bit_xor(in[0], in[1]);
    case Kind::kShiftLeft:
      return shift_left(in[0], in[1]);
    case Kind::kShiftRight:
      return shift_right(in[0], in[1]);
    case Kind::kFloor:
    case Kind::kCeil:
    case Kind::kTruncate:
    case Kind::kRound:
      return to_int(expression.kind(), in[0]);
    case Kind::kFromBool:
      return from_bool(in[0]);
    case Kind::kMin:
    case Kind::kMax: {
      Expression result = in[0];
      for (const Expression& operand : in.subspan(1)) {
        result = expression.kind() == Kind::kMin ? min(result, operand) : max(result, operand);
      }
      return result;
    }
    case Kind::kSelect:
      return select(in[0], in[1], in[2]);
    case Kind::kToFloat:
      return to_float(in[0]);
    case Kind::kTrueDiv:
      return true_div(in[0], in[1]);
    case Kind::kAdd:
    case Kind::kSubtract:
    case Kind::kMultiply:
    case Kind::kFloatPower:
    case Kind::kFloatMod:
      return float_binary(expression.kind(), in[0], in[1]);
    case Kind::kRoundDigits:
      return round_digits(in[0], in[1].constant());
    case Kind::kSqrt:
    case Kind::kCos:
    case Kind::kCosh:
    case Kind::kSin:
    case Kind::kSinh:
    case Kind::kTan:
    case Kind::kTanh:
    case Kind::kAsin:
    case Kind::kAcos:
    case Kind::kAtan:
    case Kind::kLog2:
      return float_function(expression.kind(), in[0]);
    case Kind::kEqual:
      return equal(in[0], in[1]);
    case Kind::kNotEqual:
      return not_equal(in[0], in[1]);
    case Kind::kLess:
      return less(in[0], in[1]);
    case Kind::kLessEqual:
      return less_equal(in[0], in[1]);
    case Kind::kAnd:
    case Kind::kOr: {
      Condition result = in[0];
      for (const Condition& operand : in.subspan(1)) {
        result = expression.kind() == Kind::kAnd ? logical_and(result, operand) : logical_or(result, operand);
      }
      return result;
    }
    case Kind::kNot:
      return logical_not(in[0]);
  }
  throw Error("unknown kind of expression", ErrorCode::kInternalError);
}

namespace {

class Substitution {
 public:
  explicit Substitution(const std::function<Expression(const Expression&)>& replace) : replace_(replace) {}

  Expression operator()(const Expression& expression) {
    if (expression.is_constant()) return expression;
    if (auto known = done_.find(expression); known != done_.end()) return known->second;
    Expression result = expression.is_symbol() ? replace_(expression) : inside(expression);
    done_.emplace(expression, result);
    return result;
  }

 private:
  Expression inside(const Expression& expression) {
    std::vector<Expression> operands;
    bool changed = false;
    for (const Expression& operand : expression.operands()) {
      operands.push_back((*this)(operand));
      // By identity: an equal symbol with a tighter range is a change.
      changed = changed || &operands.back().node() != &operand.node();
    }
    return changed ? rebuild(expression, operands) : expression;
  }

  const std::function<Expression(const Expression&)>& replace_;
  std::unordered_map<Expression, Expression> done_;
};

class SymbolCollector {
 public:
  void operator()(const Expression& expression) {
    if (expression.node().symbols == 0) return;
    if (expression.is_symbol()) {
      if (seen_.insert(expression.symbol().id).second) symbols_.push_back(expression.symbol());
      return;
    }
    constexpr uint64_t kSmall = 32;  // where remembering costs more than walking twice
    if (expression.node().size > kSmall && !walked_.insert(&expression.node()).second) return;
    for (const Expression& operand : expression.operands()) (*this)(operand);
  }
  std::vector<Symbol> symbols() && { return std::move(symbols_); }

 private:
  std::unordered_set<uint64_t> seen_;
  std::unordered_set<const Node*> walked_;
  std::vector<Symbol> symbols_;
};

}  // namespace

Expression with_range(Symbol symbol, Range range) {
  if (range.is_single()) return range.min;
  symbol.range = range;
  return Expression::of(std::move(symbol));
}

Expression substitute(const Expression& expression, const std::function<Expression(const Expression&)>& replace) {
  return Substitution(replace)(expression);
}

std::vector<Symbol> symbols_of(const Expression& expression) {
  SymbolCollector collector;
  collector(expression);
  return std::move(collector).symbols();
}

}  // namespace tracejet::symbolic
