// Expressions as the Python that a user would write.
#include <charconv>
#include <ostream>

#include "symbolic/node.h"

namespace tracejet::symbolic {
namespace {

/// How tightly an expression holds together, loosest first.
enum Precedence { kLoose, kOrs, kAnds, kNots, kComparisons, kBits, kSums, kProducts, kUnary, kPowers, kWhole };

std::string print(const Expression& expression, int context);

std::string number(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  std::string result(text, end);
  return result.find_first_not_of("-0123456789") == std::string::npos ? result + ".0" : result;
}

std::string joined(std::span<const Expression> operands, const std::string& separator, int context) {
  std::string text;
  for (const Expression& operand : operands) {
    if (!text.empty()) text += separator;
    text += print(operand, context);
  }
  return text;
}

std::string call(const std::string& name, std::span<const Expression> operands) {
  return name + "(" + joined(operands, ", ", kLoose) + ")";
}

std::string print_sum(const Expression& expression) {
  std::string text;
  for (const Expression& term : expression.operands()) {
    const bool negative = coefficient_of(term) < 0 && coefficient_of(term) != -kInfinity - 1;
    if (text.empty()) {
      text = print(term, kSums);
    } else {
      text += (negative ? " - " : " + ") + print(negative ? -term : term, kSums + 1);
    }
  }
  return text;
}

std::string print_product(const Expression& expression) {
  const int64_t coefficient = expression.coefficient();
  std::string text;
  if (coefficient == -1) {
    text = "-";
  } else if (coefficient != 1) {
    text = std::to_string(coefficient) + "*";
  }
  return text + joined(expression.operands(), "*", kProducts + 1);
}

/// a + 1 <= b was written a < b, and 4 <= s as s >= 4.
std::string print_less_equal(const Expression& expression) {
  const Expression& low = expression.operands()[0];
  const Expression& high = expression.operands()[1];
  if (low.is_constant()) return print(high, kComparisons + 1) + " >= " + print(low, kComparisons + 1);
  if (low.is_int() && low.kind() == Kind::kSum && offset_of(low) == 1) {
    return print(low - Expression(1), kComparisons + 1) + " < " + print(high, kComparisons + 1);
  }
  return print(low, kComparisons + 1) + " <= " + print(high, kComparisons + 1);
}

std::string in_parentheses_if(bool needed, std::string text) { return needed ? "(" + text + ")" : text; }

std::string print(const Expression& expression, int context) {
  const auto in = expression.operands();
  const auto left_binary = [&](const char* symbol, int precedence) {
    return in_parentheses_if(context > precedence, print(in[0], precedence) + symbol + print(in[1], precedence + 1));
  };
  const auto comparison = [&](const char* symbol) {
    return in_parentheses_if(context > kComparisons,
                             print(in[0], kComparisons + 1) + symbol + print(in[1], kComparisons + 1));
  };
  switch (expression.kind()) {
    case Kind::kConstant:
      if (expression.is_bool()) return expression.truth() ? "True" : "False";
      return in_parentheses_if(
          context > kUnary && (expression.is_float() ? expression.real() < 0 : expression.constant() < 0),
          expression.is_float() ? number(expression.real()) : std::to_string(expression.constant()));
    case Kind::kSymbol:
      return expression.symbol().name;
    case Kind::kSum:
      return in_parentheses_if(context > kSums, print_sum(expression));
    case Kind::kProduct:
      return in_parentheses_if(context > kProducts, print_product(expression));
    case Kind::kFloorDiv:
      return left_binary("//", kProducts);
    case Kind::kMod:
      return left_binary(" % ", kProducts);
    case Kind::kPower:
    case Kind::kFloatPower:
      return in_parentheses_if(context > kPowers, print(in[0], kPowers + 1) + "**" + print(in[1], kPowers));
    case Kind::kBitAnd:
      return left_binary(" & ", kBits);
    case Kind::kBitOr:
      return left_binary(" | ", kBits);
    case Kind::kBitXor:
      return left_binary(" ^ ", kBits);
    case Kind::kShiftLeft:
      return left_binary(" << ", kBits);
    case Kind::kShiftRight:
      return left_binary(" >> ", kBits);
    case Kind::kFloor:
      return call("floor", in);
    case Kind::kCeil:
      return call("ceil", in);
    case Kind::kTruncate:
      return call("trunc", in);
    case Kind::kRound:
    case Kind::kRoundDigits:
      return call("round", in);
    case Kind::kFromBool:
      return call("int", in);
    case Kind::kMin:
      return call("min", in);
    case Kind::kMax:
      return call("max", in);
    case Kind::kSelect:
      return in_parentheses_if(context > kLoose,
                               print(in[1], kOrs) + " if " + print(in[0], kOrs) + " else " + print(in[2], kLoose));
    case Kind::kToFloat:
      return call("float", in);
    case Kind::kAdd:
      return left_binary(" + ", kSums);
    case Kind::kSubtract:
      return left_binary(" - ", kSums);
    case Kind::kMultiply:
      return left_binary("*", kProducts);
    case Kind::kTrueDiv:
      return left_binary("/", kProducts);
    case Kind::kFloatMod:
      return left_binary(" % ", kProducts);
    case Kind::kSqrt:
      return call("sqrt", in);
    case Kind::kCos:
      return call("cos", in);
    case Kind::kCosh:
      return call("cosh", in);
    case Kind::kSin:
      return call("sin", in);
    case Kind::kSinh:
      return call("sinh", in);
    case Kind::kTan:
      return call("tan", in);
    case Kind::kTanh:
      return call("tanh", in);
    case Kind::kAsin:
      return call("asin", in);
    case Kind::kAcos:
      return call("acos", in);
    case Kind::kAtan:
      return call("atan", in);
    case Kind::kLog2:
      return call("log2", in);
    case Kind::kEqual:
      return comparison(" == ");
    case Kind::kNotEqual:
      return comparison(" != ");
    case Kind::kLess:
      return comparison(" < ");
    case Kind::kLessEqual:
      return in_parentheses_if(context > kComparisons, print_less_equal(expression));
    case Kind::kAnd:
      return in_parentheses_if(context > kAnds, joined(in, " and ", kAnds + 1));
    case Kind::kOr:
      return in_parentheses_if(context > kOrs, joined(in, " or ", kOrs + 1));
    case Kind::kNot:
      return in_parentheses_if(context > kNots, "not " + print(in[0], kNots));
  }
  return "?";
}

}  // namespace

std::string Expression::str() const { return print(*this, kLoose); }

std::ostream& operator<<(std::ostream& stream, const Expression& expression) { return stream << expression.str(); }

}  // namespace tracejet::symbolic
