#include <map>
#include <set>
#include <string>
#include <string_view>

#include <torch/csrc/utils/pybind.h>

#include "bindings/bindings.h"
#include "symbolic/operators.h"

namespace tracejet {

namespace {

void bind_kind(py::class_<symbolic::Expression>& expression) {
  using symbolic::Kind;
  py::enum_<Kind> kinds(expression, "Kind", "The operators of an expression.");
  for (const symbolic::OperatorInfo& info : symbolic::operators()) kinds.value(info.name.data(), info.kind);
}

/// A column of the table of operators, as far as it is filled.
std::map<symbolic::Kind, std::string> column(std::string_view symbolic::OperatorInfo::* name) {
  std::map<symbolic::Kind, std::string> names;
  for (const symbolic::OperatorInfo& info : symbolic::operators()) {
    if (!(info.*name).empty()) names.emplace(info.kind, info.*name);
  }
  return names;
}

std::set<symbolic::Kind> variadic_kinds() {
  std::set<symbolic::Kind> kinds;
  for (const symbolic::OperatorInfo& info : symbolic::operators()) {
    if (info.arity == symbolic::OperatorInfo::kVariadic) kinds.insert(info.kind);
  }
  return kinds;
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
      .def_static(
          "fx_targets", [] { return column(&symbolic::OperatorInfo::fx); },
          "The Python function that stands for each operator in a program.")
      .def_static(
          "sympy_targets", [] { return column(&symbolic::OperatorInfo::sympy); },
          "What sympy, or PyTorch's own functions for it, call each operator.")
      .def_static("variadic_kinds", &variadic_kinds, "Operators that take any number of operands.")
      .def(
          "__eq__", [](const Expression& a, const Expression& b) { return a == b; }, py::is_operator())
      .def("__hash__", &Expression::hash)
      .def("__str__", &Expression::str);
}

}  // namespace tracejet
