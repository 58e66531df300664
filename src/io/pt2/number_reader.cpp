// Nodes that compute sizes and other numbers: there are none of these in a Graph, which has expressions.
#include <algorithm>

#include "io/pt2/graph_reader.h"
#include "io/pt2/sympy_functions.h"
#include "ir/symbolic_constant.h"
#include "symbolic/sym_node.h"

namespace tracejet::pt2 {

using symbolic::Expression;

namespace {

Expression with_any_data(const Expression& number) {
  if (!symbolic::is_data_dependent(number)) return number;
  return symbolic::substitute(number, [](const Expression& symbol) {
    symbolic::Symbol any = symbol.symbol();
    if (!any.backed) any.range = symbolic::Range::all();
    return Expression::of(std::move(any));
  });
}

}  // namespace

Expression GraphReader::unpromised_number(const Field& argument) const {
  const auto [kind, value] = argument.variant();
  const bool is_named = kind.starts_with("as_sym_") && value.has("as_name");
  const auto known = is_named ? unpromised_.find(value["as_name"].string()) : unpromised_.end();
  return known != unpromised_.end() ? known->second : with_any_data(number(argument));
}

void GraphReader::read_number(const Field& node, const std::string& target) {
  if (!is_python_number_function(target)) {
    throw UnsupportedOperator("the program calls " + target.substr(0, 80) + ", which isn't known here",
                              ErrorCode::kFileContent);
  }
  std::vector<Expression> operands, unpromised;
  node["inputs"].for_each([&](const Field& input) {
    operands.push_back(number(input["arg"]));
    unpromised.push_back(unpromised_number(input["arg"]));
  });
  const std::vector<Field> outputs = node["outputs"].elements();
  if (operands.empty() || outputs.size() != 1) node.fail("expected operands and one result");
  const auto [kind, result] = outputs[0].variant();
  if (!kind.starts_with("as_sym_")) outputs[0].fail("expected a number, got " + kind);
  const std::string& name = result["as_name"].string();
  define(node, name, node.located([&] { return apply_python(target, operands); }));
  if (std::ranges::any_of(unpromised, &symbolic::is_data_dependent)) {
    unpromised_.emplace(name, node.located([&] { return apply_python(target, unpromised); }));
  }
}

void GraphReader::read_size(const Field& node) {
  const std::vector<Field> inputs = node["inputs"].elements(), outputs = node["outputs"].elements();
  if (inputs.size() != 2 || outputs.size() != 1) node.fail("expected a tensor and an axis");
  const Sizes& sizes = value(inputs[0]["arg"]["as_tensor"]).tensor().sizes;
  int64_t axis = inputs[1]["arg"]["as_int"].integer();
  if (axis < 0) axis += static_cast<int64_t>(sizes.size());
  if (axis < 0 || axis >= static_cast<int64_t>(sizes.size())) inputs[1].fail("the tensor has no such axis");
  const c10::SymInt& size = sizes[static_cast<size_t>(axis)];
  const auto known = size.maybe_as_int();
  define(node, outputs[0]["as_sym_int"]["as_name"].string(), known ? Expression(*known) : expression_of(size));
}

/// The condition stays what it is: it must not vanish because it is believed.
void GraphReader::read_assertion(const Field& node, const c10::OperatorHandle& op) {
  const std::vector<Field> inputs = node["inputs"].elements();
  if (inputs.size() != 2) node.fail("expected a condition and a message");
  Expression condition = unpromised_number(inputs[0]["arg"]);
  if (!condition.is_bool()) condition = symbolic::not_equal(symbolic::to_float(condition), Expression::real(0));
  const c10::IValue asserted = condition.is_constant()
                                   ? c10::IValue(condition.truth())
                                   : c10::IValue(symbolic::fixed_sym_bool(condition, *symbols_.context()));
  graph_->add_node(op, {Argument(asserted), Argument(c10::IValue(inputs[1]["arg"]["as_string"].string()))}, {},
                   location(node));
}

}  // namespace tracejet::pt2
