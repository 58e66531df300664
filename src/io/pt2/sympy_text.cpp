#include "io/pt2/sympy_text.h"

#include <charconv>

#include "symbolic/operators.h"

namespace tracejet::pt2 {

namespace {

using symbolic::Expression;
using symbolic::Kind;

std::string real_text(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  return "Float('" + std::string(text, end) + "', precision=53)";
}

std::string constant_text(const Expression& expression) {
  if (expression.is_bool()) return expression.truth() ? "true" : "false";
  if (expression.is_float()) return real_text(expression.real());
  return "Integer(" + std::to_string(expression.constant()) + ")";
}

std::string call(std::string_view function, std::span<const std::string> operands) {
  std::string text(function);
  for (size_t i = 0; i < operands.size(); ++i) text += (i == 0 ? "(" : ", ") + operands[i];
  return text + ")";
}

std::string piecewise(const std::string& condition, const std::string& when_true, const std::string& when_false) {
  return "Piecewise((" + when_true + ", " + condition + "), (" + when_false + ", True))";
}

/// "FloorDiv" of "functions.FloorDiv".
std::string_view function_name(Kind kind) {
  const std::string_view path = symbolic::info_of(kind).sympy;
  return path.substr(path.find('.') + 1);
}

}  // namespace

std::string sympy_text(const Expression& expression,
                       const std::function<std::string(const symbolic::Symbol&)>& symbol) {
  const Kind kind = expression.kind();
  if (kind == Kind::kConstant) return constant_text(expression);
  if (kind == Kind::kSymbol) return symbol(expression.symbol());
  const auto operands = expression.operands();
  std::vector<std::string> in;
  if (kind == Kind::kProduct && expression.coefficient() != 1) {
    in.push_back("Integer(" + std::to_string(expression.coefficient()) + ")");
  }
  for (const Expression& operand : operands) in.push_back(sympy_text(operand, symbol));
  switch (kind) {
    case Kind::kProduct:
    case Kind::kMultiply:
      return call("Mul", in);
    case Kind::kAdd:
      return call("Add", in);
    case Kind::kSubtract:
      return "Add(" + in[0] + ", Mul(Integer(-1), " + in[1] + "))";
    case Kind::kMod:
      return call(operands[0].range().min >= 0 && operands[1].range().min >= 0 ? "Mod" : "PythonMod", in);
    case Kind::kTrueDiv:
      return call(operands[0].is_int() ? "IntTrueDiv" : "FloatTrueDiv", in);
    case Kind::kTruncate:
      return call("TruncToInt", in);
    case Kind::kFromBool:
      return piecewise(in[0], "Integer(1)", "Integer(0)");
    case Kind::kSelect:
      return piecewise(in[0], in[1], in[2]);
    case Kind::kFloatMod:
      return "Add(" + in[0] + ", Mul(Integer(-1), " + in[1] + ", ToFloat(FloorToInt(" + call("FloatTrueDiv", in) +
             "))))";
    default:
      return call(function_name(kind), in);
  }
}

}  // namespace tracejet::pt2
