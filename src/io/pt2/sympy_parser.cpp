#include "io/pt2/sympy_parser.h"

#include <utility>
#include <vector>

#include "io/pt2/sympy_functions.h"
#include "io/pt2/text_cursor.h"

namespace tracejet::pt2 {

namespace {

using symbolic::Expression;

/// A recursive descent over calls, names, numbers and strings.
class SympyParser {
 public:
  SympyParser(std::string_view text, const std::function<Expression(const SympySymbol&)>& symbol)
      : text_(text), symbol_(symbol) {}

  Expression parse() {
    Expression result = expression();
    if (!text_.is_at_end()) text_.fail("the end");
    return result;
  }

 private:
  /// Symbol('s0', positive=True, integer=True): of its assumptions only one matters, since ranges are told apart.
  Expression symbol() {
    SympySymbol symbol{std::string(text_.quoted()), false};
    while (text_.take(",")) {
      const std::string_view key = text_.name();
      text_.need("=");
      const bool is_true = text_.name() == "True";
      if (key == "integer") symbol.is_integer = is_true;
    }
    return symbol_(symbol);
  }
  /// Float('0.5', precision=53)
  Expression real() {
    const auto value = text_.plain<double>(text_.quoted());
    while (text_.take(",")) {
      text_.name();
      text_.need("=");
      text_.integer();
    }
    return Expression::real(value);
  }
  /// Piecewise((value, condition), ..., (value, True)), also written with ExprCondPair(value, condition).
  Expression piecewise() {
    std::vector<std::pair<Expression, Expression>> cases;  // value, condition
    do {
      if (!text_.peek("(") && text_.name() != "ExprCondPair") text_.fail("ExprCondPair");
      text_.need("(");
      Expression value = expression();
      text_.need(",");
      cases.emplace_back(std::move(value), expression());
      text_.need(")");
    } while (text_.take(","));
    auto [result, is_left] = cases.back();
    if (is_left != Expression::truth(true)) text_.fail("a case for all that is left");
    for (size_t i = cases.size() - 1; i-- > 0;)
      result = apply_sympy("Where", {cases[i].second, cases[i].first, result});
    return result;
  }

  Expression expression() {
    if (++depth_ > kMaxDepth) text_.fail("an expression that is nested less deeply");
    Expression result = call();
    --depth_;
    return result;
  }

  Expression call() {
    const std::string_view function = text_.name();
    if (!text_.peek("(")) {
      if (function == "true" || function == "True") return Expression::truth(true);
      if (function == "false" || function == "False") return Expression::truth(false);
      text_.fail("( after " + std::string(function.substr(0, 60)));
    }
    text_.need("(");
    Expression result;
    if (function == "Symbol") {
      result = symbol();
    } else if (function == "Integer") {
      result = Expression(text_.integer());
    } else if (function == "Float") {
      result = real();
    } else if (function == "Piecewise") {
      result = piecewise();
    } else {
      result = apply(function);
    }
    text_.need(")");
    return result;
  }

  Expression apply(std::string_view function) {
    std::vector<Expression> operands;
    while (!text_.peek(")")) {
      if (!operands.empty()) text_.need(",");
      if (text_.peek(")")) break;
      operands.push_back(expression());
    }
    return apply_sympy(function, operands);
  }

  TextCursor text_;
  const std::function<Expression(const SympySymbol&)>& symbol_;
  int depth_ = 0;
};

}  // namespace

Expression parse_sympy(std::string_view text, const std::function<Expression(const SympySymbol&)>& symbol) {
  return SympyParser(text, symbol).parse();
}

}  // namespace tracejet::pt2
