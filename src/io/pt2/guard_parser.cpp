#include "io/pt2/guard_parser.h"

#include <array>
#include <cctype>
#include <optional>
#include <vector>

#include "io/pt2/sympy_functions.h"
#include "io/pt2/text_cursor.h"

namespace tracejet::pt2 {

namespace {

using symbolic::Expression;

struct Operator {
  std::string_view text;
  int precedence;
  const char* function;  ///< of Python's
};

/// Those that begin like others come first.
constexpr std::array<Operator, 19> kOperators{{
    {"or ", 1, "_operator.or_"},   {"and ", 2, "_operator.and_"},   {"==", 4, "_operator.eq"},
    {"!=", 4, "_operator.ne"},     {"<=", 4, "_operator.le"},       {">=", 4, "_operator.ge"},
    {"<<", 6, "_operator.lshift"}, {">>", 6, "_operator.rshift"},   {"<", 4, "_operator.lt"},
    {">", 4, "_operator.gt"},      {"|", 5, "_operator.or_"},       {"&", 5, "_operator.and_"},
    {"+", 7, "_operator.add"},     {"-", 7, "_operator.sub"},       {"**", 10, "_operator.pow"},
    {"*", 8, "_operator.mul"},     {"//", 8, "_operator.floordiv"}, {"/", 8, "_operator.truediv"},
    {"%", 8, "_operator.mod"},
}};
constexpr int kNot = 3, kComparison = 4, kMinus = 9, kPower = 10;

/// The functions that have another name in Python than in sympy.
std::string_view sympy_function(std::string_view name) {
  if (name == "max" || name == "torch.sym_max") return "Max";
  if (name == "min" || name == "torch.sym_min") return "Min";
  if (name == "abs") return "Abs";
  if (name == "math.sqrt") return "OpaqueUnaryFn_sqrt";
  if (name == "math.floor") return "FloorToInt";
  if (name == "math.ceil") return "CeilToInt";
  if (name == "math.trunc" || name == "int") return "TruncToInt";
  if (name == "float") return "ToFloat";
  return name;
}

/// By precedence climbing.
class GuardParser {
 public:
  GuardParser(std::string_view text, const std::function<Expression(const GuardedNumber&)>& number)
      : text_(text), number_(number) {}

  Expression parse() {
    Expression result = expression(0);
    if (!text_.is_at_end()) text_.fail("the end");
    if (!result.is_bool()) text_.fail("a condition");
    return result;
  }

 private:
  const Operator* next_operator(int least) {
    for (const Operator& op : kOperators) {
      if (text_.peek(op.text)) return op.precedence >= least ? &op : nullptr;
    }
    return nullptr;
  }

  Expression expression(int least) {
    if (++depth_ > kMaxDepth) text_.fail("an expression that is nested less deeply");
    Expression left = operand(least);
    std::optional<Expression> chained;  // a <= b <= c: the middle one, which is compared again
    while (const Operator* op = next_operator(least)) {
      text_.need(op->text);
      const Expression right = expression(op->precedence == kPower ? kMinus : op->precedence + 1);
      if (op->precedence != kComparison) {
        left = apply_python(op->function, {left, right});
        continue;
      }
      const Expression compared = apply_python(op->function, {chained ? *chained : left, right});
      left = chained ? apply_sympy("And", {left, compared}) : compared;
      chained = right;
    }
    --depth_;
    return left;
  }

  Expression operand(int least) {
    if (text_.take("(")) {
      Expression inner = expression(0);
      text_.need(")");
      return inner;
    }
    if (text_.take("-")) return apply_python("_operator.neg", {expression(kMinus)});
    if (text_.peek_digit()) return literal();
    if (!text_.peek_name()) text_.fail("a number");
    const std::string name = dotted_name();
    if (name == "not" && least <= kNot) return apply_sympy("Not", {expression(kNot)});
    if (name == "True" || name == "False") return Expression::truth(name == "True");
    if (name == "L") return argument();
    return call(name);
  }

  Expression literal() {
    const std::string_view digits =
        text_.span([](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.'; });
    if (digits.find('.') == std::string_view::npos) return Expression(text_.plain<int64_t>(digits));
    return Expression::real(text_.plain<double>(digits));
  }

  std::string dotted_name() {
    std::string name(text_.name());
    while (name != "L" && text_.take(".")) name += "." + std::string(text_.name());
    return name;
  }

  Expression call(const std::string& name) {
    std::vector<Expression> operands;
    text_.need("(");
    while (!text_.peek(")")) {
      if (!operands.empty()) text_.need(",");
      operands.push_back(expression(0));
    }
    text_.need(")");
    return apply_sympy(sympy_function(name), operands);
  }

  /// ['pair'][0].size()[1]
  Expression argument() {
    GuardedNumber asked;
    while (text_.take("[")) {
      const std::string key = text_.peek("'") ? std::string(text_.quoted()) : std::to_string(text_.integer());
      text_.need("]");
      if (!asked.argument.empty()) asked.argument += '_';
      for (const char c : key) {
        const auto byte = static_cast<unsigned char>(c);
        asked.argument += std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte)) : '_';
      }
    }
    if (!text_.take(".")) return number_(asked);
    asked.property = text_.name();
    if (text_.take("(")) text_.need(")");
    if (text_.take("[")) {
      asked.axis = text_.integer();
      text_.need("]");
    }
    return number_(asked);
  }

  TextCursor text_;
  const std::function<Expression(const GuardedNumber&)>& number_;
  int depth_ = 0;
};

}  // namespace

symbolic::Condition parse_guard(std::string_view text, const std::function<Expression(const GuardedNumber&)>& number) {
  return GuardParser(text, number).parse();
}

}  // namespace tracejet::pt2
