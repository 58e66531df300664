// Expressions as the Python that a user would write.
#include <charconv>
#include <ostream>

#include "symbolic/operators.h"

namespace tracejet::symbolic {
namespace {

using enum Precedence;
using Form = Notation::Form;

/// `context`: how tightly it has to hold together there.
std::string print(const Expression& expression, Precedence context);

Precedence above(Precedence precedence) { return static_cast<Precedence>(static_cast<int>(precedence) + 1); }

std::string number(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  std::string result(text, end);
  return result.find_first_not_of("-0123456789") == std::string::npos ? result + ".0" : result;
}

std::string joined(std::span<const Expression> operands, std::string_view separator, Precedence context) {
  std::string text;
  for (const Expression& operand : operands) {
    if (!text.empty()) text += separator;
    text += print(operand, context);
  }
  return text;
}

std::string print_call(std::string_view name, std::span<const Expression> operands) {
  return std::string(name) + "(" + joined(operands, ", ", kLoose) + ")";
}

std::string print_sum(const Expression& expression) {
  std::string text;
  for (const Expression& term : expression.operands()) {
    const bool negative = coefficient_of(term) < 0 && coefficient_of(term) != -kInfinity - 1;
    if (text.empty()) {
      text = print(term, kSums);
    } else {
      text += (negative ? " - " : " + ") + print(negative ? -term : term, above(kSums));
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
  return text + joined(expression.operands(), "*", above(kProducts));
}

/// 4 <= s was written s >= 4.
std::string print_less_equal(const Expression& expression) {
  const Expression& low = expression.operands()[0];
  const Expression& high = expression.operands()[1];
  if (low.is_constant()) return print(high, above(kComparisons)) + " >= " + print(low, above(kComparisons));
  if (const auto below = strictly_below(expression)) {
    return print(*below, above(kComparisons)) + " < " + print(high, above(kComparisons));
  }
  return print(low, above(kComparisons)) + " <= " + print(high, above(kComparisons));
}

std::string in_parentheses_if(bool needed, std::string text) { return needed ? "(" + text + ")" : text; }

/// What has no form in common with others.
std::string print_own(const Expression& expression, Precedence context) {
  const auto in = expression.operands();
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
    case Kind::kSelect:
      return in_parentheses_if(context > kLoose,
                               print(in[1], kOrs) + " if " + print(in[0], kOrs) + " else " + print(in[2], kLoose));
    case Kind::kLessEqual:
      return in_parentheses_if(context > kComparisons, print_less_equal(expression));
    case Kind::kNot:
      return in_parentheses_if(context > kNots, "not " + print(in[0], kNots));
    default:
      return "?";
  }
}

std::string print(const Expression& expression, Precedence context) {
  const auto in = expression.operands();
  const auto& [form, text, precedence] = info_of(expression.kind()).notation;
  const auto infix = [&](Precedence left, Precedence right) {
    return in_parentheses_if(context > precedence, print(in[0], left) + std::string(text) + print(in[1], right));
  };
  switch (form) {
    case Form::kOwn:
      return print_own(expression, context);
    case Form::kCall:
      return print_call(text, in);
    case Form::kInfix:
      return infix(precedence, above(precedence));
    case Form::kRightInfix:
      return infix(above(precedence), precedence);
    case Form::kBetween:
      return in_parentheses_if(context > precedence, joined(in, text, above(precedence)));
  }
  return "?";
}

}  // namespace

std::optional<Expression> strictly_below(const Condition& less_equal) {
  const Expression& low = less_equal.operands()[0];
  if (!low.is_int() || low.kind() != Kind::kSum || offset_of(low) != 1) return {};
  return low - Expression(1);
}

std::string Expression::str() const { return print(*this, kLoose); }

std::ostream& operator<<(std::ostream& stream, const Expression& expression) { return stream << expression.str(); }

}  // namespace tracejet::symbolic
