#include <map>

#include <torch/csrc/profiler/combined_traceback.h>
#include <torch/csrc/utils/python_symnode.h>

#include "base/error.h"
#include "bindings/bindings.h"
#include "bindings/context_reading.h"
#include "symbolic/operators.h"
#include "symbolic/sym_node.h"

namespace tracejet {

namespace py = pybind11;

namespace {

using symbolic::Condition;
using symbolic::Context;
using symbolic::Expression;
using symbolic::Guard;
using symbolic::Kind;
using symbolic::Symbol;

using Operands = std::span<const Expression>;
using Rule = std::function<Expression(Operands)>;

Expression number_of(const Expression& expression) {
  return expression.is_bool() ? symbolic::from_bool(expression) : expression;
}

Rule binary(Expression (*combine)(const Expression&, const Expression&)) {
  return [combine](Operands in) { return combine(in[0], in[1]); };
}

Rule function(Kind kind) {
  return [kind](Operands in) { return symbolic::float_function(kind, symbolic::to_float(in[0])); };
}

Rule to_int(Kind kind) {
  return [kind](Operands in) { return symbolic::to_int(kind, number_of(in[0])); };
}

/// What Python's SymNode does beyond C++'s, by Python's name for it.
const std::map<std::string, Rule, std::less<>>& rules() {
  static const auto table = [] {
    std::map<std::string, Rule, std::less<>> own{
        {"abs", [](Operands in) { return symbolic::abs(number_of(in[0])); }},
        {"pos", [](Operands in) { return number_of(in[0]); }},
        {"trunc", to_int(Kind::kTruncate)},
        {"sym_int", to_int(Kind::kTruncate)},
        {"round", to_int(Kind::kRound)},
        {"round_digits",
         [](Operands in) { return in[0].is_int() ? in[0] : symbolic::round_digits(in[0], in[1].constant()); }},
        {"is_integer", [](Operands in) { return symbolic::is_integer(symbolic::to_float(in[0])); }},
        {"bitwise_and", binary(symbolic::bit_and)},
        {"bitwise_or", binary(symbolic::bit_or)},
        {"bitwise_xor", binary(symbolic::bit_xor)},
        {"lshift", binary(symbolic::shift_left)},
        {"rshift", binary(symbolic::shift_right)},
        {"sym_sum", [](Operands in) { return symbolic::sum(in); }},
        {"to_int", [](Operands in) { return number_of(in[0]); }},
    };
    for (const symbolic::OperatorInfo& info : symbolic::operators()) {
      if (!info.sym_node.empty()) own.emplace(info.sym_node, function(info.kind));
    }
    return own;
  }();
  return table;
}

c10::SymNode apply_rule(std::string_view name, const c10::SymNode& self, const std::vector<c10::SymNode>& operands) {
  std::vector<Expression> expressions;
  for (const c10::SymNode& operand : operands) {
    auto expression = symbolic::expression_of(*operand);
    if (!expression) throw UnsupportedOperator("can't combine " + self->str() + " with the number of another trace");
    expressions.push_back(*std::move(expression));
  }
  return symbolic::make_sym_node(rules().find(name)->second(expressions), *symbolic::context_of(*self));
}

c10::SymNode select(const c10::SymNode& self, const c10::SymNode& when_true, const c10::SymNode& when_false) {
  return self->sym_ite(when_true, when_false);
}

py::object evaluate(const Expression& expression, const std::map<std::string, int64_t>& values) {
  const auto value_of = [&values](const Symbol& symbol) {
    const auto found = values.find(symbol.name);
    if (found == values.end()) throw InvalidInput("no value for " + symbol.name);
    return found->second;
  };
  if (expression.is_float()) return py::float_(symbolic::evaluate_float(expression, value_of));
  if (expression.is_bool()) return py::bool_(symbolic::holds(expression, value_of));
  return py::int_(symbolic::evaluate(expression, value_of));
}

/// None where there is no bound.
py::object to_bound(int64_t value) {
  if (value == symbolic::kInfinity || value == -symbolic::kInfinity) return py::none();
  return py::int_(value);
}

py::tuple to_tuple(const symbolic::Range& range) { return py::make_tuple(to_bound(range.min), to_bound(range.max)); }

symbolic::Range to_range(const std::optional<int64_t>& min, const std::optional<int64_t>& max) {
  return {min.value_or(-symbolic::kInfinity), max.value_or(symbolic::kInfinity)};
}

Location current_line() { return {torch::CapturedTraceback::gather(/*python=*/true, /*script=*/false, /*cpp=*/false)}; }

void bind_context(py::module_& module) {
  py::enum_<Guard::Kind>(module, "GuardKind")
      .value("RELATION", Guard::Kind::kRelation)
      .value("ZERO_ONE", Guard::Kind::kZeroOne)
      .value("REQUIREMENT", Guard::Kind::kRequirement)
      .value("SIZE_BRANCH", Guard::Kind::kSizeBranch)
      .value("SPECIALIZATION", Guard::Kind::kSpecialization)
      .value("ASSERTION", Guard::Kind::kAssertion)
      .value("IN_BRANCH", Guard::Kind::kInBranch);

  py::class_<Guard>(module, "Guard", "Something that was assumed because the ranges didn't decide it.")
      .def_readonly("condition", &Guard::condition)
      .def_readonly("kind", &Guard::kind)
      .def("__repr__", [](const Guard& guard) { return guard.condition.str(); });

  py::class_<Context, std::shared_ptr<Context>>(module, "Context",
                                                "The symbols of one trace and what is known of them.")
      .def(py::init([] { return Context::create(current_line); }))
      .def(
          "symbol",
          [](Context& self, std::string name, std::optional<int64_t> min, std::optional<int64_t> max, int64_t hint) {
            return self.sym_int(self.symbol(std::move(name), to_range(min, max), hint));
          },
          py::arg("name"), py::arg("min"), py::arg("max"), py::arg("hint"))
      .def(
          "unbacked",
          [](Context& self, std::string_view prefix, std::optional<int64_t> min, std::optional<int64_t> max) {
            return self.sym_int(self.unbacked(prefix, to_range(min, max)));
          },
          py::arg("prefix") = "u", py::arg("min") = 0, py::arg("max") = py::none())
      .def_property_readonly("guards", [](const Context& self) { return python::copied(self, &Context::guards); })
      .def_property_readonly("symbols", [](const Context& self) { return python::copied(self, &Context::symbols); })
      .def("decide", &Context::decide, py::arg("condition"), "True, False, or None where neither is known.")
      .def(
          "range", [](Context& self, const Expression& expression) { return to_tuple(self.range(expression)); },
          py::arg("expression"));
}

}  // namespace

void bind_symbolic(py::module_& parent) {
  py::module_ module = parent.def_submodule("symbolic", "Symbolic sizes: what stands behind torch.SymInt.");
  bind_context(module);
  module.def("expression_of", [](const c10::SymNode& node) { return symbolic::expression_of(*node); }, py::arg("node"));
  module.def(
      "context_of",
      [](const c10::SymNode& node) {
        return py::reinterpret_borrow<py::typing::Optional<Context>>(py::cast(symbolic::context_of(*node)));
      },
      py::arg("node"), "None for a node that isn't tracejet's.");
  module.def("evaluate", &evaluate, py::arg("expression"), py::arg("values"),
             "The value where each symbol has the one that `values` names.");
  module.def(
      "range", [](const Expression& expression) { return to_tuple(expression.range()); }, py::arg("expression"),
      "The smallest and the largest value; None where there is no bound.");
  module.def("apply", &apply_rule, py::arg("name"), py::arg("self"), py::arg("operands"));
  module.def("select", &select, py::arg("condition"), py::arg("when_true"), py::arg("when_false"));
  module.attr("OPERATORS") = [] {
    std::vector<std::string> names;
    for (const auto& [name, rule] : rules()) names.push_back(name);
    return names;
  }();
}

}  // namespace tracejet
