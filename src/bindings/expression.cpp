#include "symbolic/expression.h"

#include <torch/csrc/utils/pybind.h>

#include "bindings/bindings.h"

namespace tracejet {

namespace {

void bind_kind(py::class_<symbolic::Expression>& expression) {
  using symbolic::Kind;
  py::enum_<Kind>(expression, "Kind", "The operators of an expression.")
      .value("CONSTANT", Kind::kConstant)
      .value("SYMBOL", Kind::kSymbol)
      .value("SUM", Kind::kSum)
      .value("PRODUCT", Kind::kProduct)
      .value("FLOOR_DIV", Kind::kFloorDiv)
      .value("MOD", Kind::kMod)
      .value("POWER", Kind::kPower)
      .value("BIT_AND", Kind::kBitAnd)
      .value("BIT_OR", Kind::kBitOr)
      .value("BIT_XOR", Kind::kBitXor)
      .value("SHIFT_LEFT", Kind::kShiftLeft)
      .value("SHIFT_RIGHT", Kind::kShiftRight)
      .value("FLOOR", Kind::kFloor)
      .value("CEIL", Kind::kCeil)
      .value("TRUNCATE", Kind::kTruncate)
      .value("ROUND", Kind::kRound)
      .value("FROM_BOOL", Kind::kFromBool)
      .value("MIN", Kind::kMin)
      .value("MAX", Kind::kMax)
      .value("SELECT", Kind::kSelect)
      .value("TO_FLOAT", Kind::kToFloat)
      .value("ADD", Kind::kAdd)
      .value("SUBTRACT", Kind::kSubtract)
      .value("MULTIPLY", Kind::kMultiply)
      .value("TRUE_DIV", Kind::kTrueDiv)
      .value("FLOAT_POWER", Kind::kFloatPower)
      .value("FLOAT_MOD", Kind::kFloatMod)
      .value("ROUND_DIGITS", Kind::kRoundDigits)
      .value("SQRT", Kind::kSqrt)
      .value("COS", Kind::kCos)
      .value("COSH", Kind::kCosh)
      .value("SIN", Kind::kSin)
      .value("SINH", Kind::kSinh)
      .value("TAN", Kind::kTan)
      .value("TANH", Kind::kTanh)
      .value("ASIN", Kind::kAsin)
      .value("ACOS", Kind::kAcos)
      .value("ATAN", Kind::kAtan)
      .value("LOG2", Kind::kLog2)
      .value("EQUAL", Kind::kEqual)
      .value("NOT_EQUAL", Kind::kNotEqual)
      .value("LESS", Kind::kLess)
      .value("LESS_EQUAL", Kind::kLessEqual)
      .value("AND", Kind::kAnd)
      .value("OR", Kind::kOr)
      .value("NOT", Kind::kNot);
}

/// A constant as the Python number that it is.
py::object constant_of(const symbolic::Expression& expression) {
  if (expression.is_float()) return py::float_(expression.real());
  if (expression.is_bool()) return py::bool_(expression.truth());
  return py::int_(expression.constant());
}

py::object hint_of(const symbolic::Expression& expression) {
  if (!expression.has_hint()) return py::none();
  if (expression.is_float()) return py::float_(expression.real_hint());
  if (expression.is_bool()) return py::bool_(expression.hint() != 0);
  return py::int_(expression.hint());
}

/// A bound of a symbol's range; None where there is none.
py::object bound(int64_t value) {
  if (value == symbolic::kInfinity || value == -symbolic::kInfinity) return py::none();
  return py::int_(value);
}

}  // namespace

void bind_expression(py::module_& module) {
  using symbolic::Expression;
  using symbolic::Symbol;
  py::class_<Symbol>(module, "Symbol", "A size or number that is known only when the program runs.")
      .def_readonly("id", &Symbol::id)
      .def_readonly("name", &Symbol::name)
      .def_readonly("backed", &Symbol::backed, "False for a data-dependent value, which has no hint.")
      .def_readonly("is_float", &Symbol::is_float, "A float of data; all others are integers.")
      .def_readonly("hint", &Symbol::hint, "The value of the example that was traced.")
      .def_property_readonly("min", [](const Symbol& symbol) { return bound(symbol.range.min); })
      .def_property_readonly("max", [](const Symbol& symbol) { return bound(symbol.range.max); });

  py::class_<Expression> expression(module, "Expression", "A number over symbols, in normal form.");
  bind_kind(expression);
  expression.def_property_readonly("kind", &Expression::kind)
      .def_property_readonly("is_int", &Expression::is_int)
      .def_property_readonly("is_float", &Expression::is_float)
      .def_property_readonly("constant", &constant_of)
      .def_property_readonly("hint", &hint_of, "The value on the example that was traced; None if data-dependent.")
      .def_property_readonly("symbol", &Expression::symbol, py::return_value_policy::copy)
      .def_property_readonly("coefficient", &Expression::coefficient)
      .def_property_readonly("operands",
                             [](const Expression& self) {
                               return std::vector<Expression>(self.operands().begin(), self.operands().end());
                             })
      .def(
          "__eq__", [](const Expression& a, const Expression& b) { return a == b; }, py::is_operator())
      .def("__hash__", &Expression::hash)
      .def("__str__", &Expression::str);
}

}  // namespace tracejet
