// The nodes that compute sizes and other symbolic numbers, each made once, where it is first needed.
#include "base/error.h"
#include "io/pt2/graph_writer.h"
#include "symbolic/operators.h"

namespace tracejet::pt2 {

namespace {

using symbolic::Expression;
using ExpressionKind = symbolic::Kind;

/// A Python function that torch.export can write, as the schema calls it.
struct PythonFunction {
  std::string target;
  std::string name;  ///< of nodes that call it
  std::vector<std::string> parameters;
};

/// Whether torch.export's schema lists a function: of the operators all but `^`, of PyTorch's the public ones.
bool is_in_schema(std::string_view fx) {
  return (fx.starts_with("operator.") && fx != "operator.xor") || fx.starts_with("torch.sym_") || fx == "math.trunc";
}

std::vector<std::string> parameters_of(const symbolic::OperatorInfo& info) {
  if (info.kind == ExpressionKind::kTruncate) return {"x"};
  if (info.kind == ExpressionKind::kSelect) return {"b", "t", "f"};
  if (info.arity == 1) return {"a"};
  return {"a", "b"};
}

/// What computes an operator, of two operands where it is variadic.
PythonFunction function_of(ExpressionKind kind) {
  const symbolic::OperatorInfo& info = symbolic::info_of(kind);
  if (!is_in_schema(info.fx)) {
    throw UnsupportedOperator("a size is computed by `" + std::string(info.fx) +
                                  "`, which a .pt2 file can't hold (torch.export.save can't write it either)",
                              ErrorCode::kFileContent);
  }
  // The public name of _sym_sqrt is an alias, and the schema has the function's own.
  const std::string fx(kind == ExpressionKind::kSqrt ? "torch._sym_sqrt" : info.fx);
  return {(fx.starts_with("operator.") ? "_" : "") + fx, fx.substr(fx.rfind('.') + 1), parameters_of(info)};
}

/// What the first operands of a variadic operator come to.
Expression partial(ExpressionKind kind, const Expression& a, const Expression& b) {
  switch (kind) {
    case ExpressionKind::kSum:
      return a + b;
    case ExpressionKind::kProduct:
      return a * b;
    case ExpressionKind::kMin:
      return symbolic::min(a, b);
    case ExpressionKind::kMax:
      return symbolic::max(a, b);
    case ExpressionKind::kAnd:
      return symbolic::logical_and(a, b);
    default:
      return symbolic::logical_or(a, b);
  }
}

bool is_variadic(ExpressionKind kind) { return symbolic::info_of(kind).arity == symbolic::OperatorInfo::kVariadic; }

Json constant_in_json(const Expression& constant) {
  if (constant.is_bool()) return one("as_bool", constant.truth());
  return constant.is_float() ? one("as_float", number(constant.real())) : one("as_int", constant.constant());
}

/// Of the modules that were running, the outermost alone.
Json outermost_module(const Json& metadata) {
  const auto stack = metadata.find("nn_module_stack");
  if (stack == metadata.end()) return Json::object();
  const auto& text = stack->get_ref<const std::string&>();
  return one("nn_module_stack", text.substr(0, text.find(';')));
}

}  // namespace

ValueKind kind_of(const Expression& number) {
  if (number.is_int()) return ValueKind::kInt;
  return number.is_float() ? ValueKind::kFloat : ValueKind::kBool;
}

Json GraphWriter::define_number(const Expression& value, const std::string& name) {
  const Reference node{name, kind_of(value)};
  program_.symbols.meet(value);
  Json& values = node.kind == ValueKind::kInt     ? sym_int_values_
                 : node.kind == ValueKind::kFloat ? sym_float_values_
                                                  : sym_bool_values_;
  append(values, name, program_.symbols.number(value));
  return argument_of(node);
}

Json GraphWriter::number_argument(const Expression& expression) {
  return expression.is_constant() ? constant_in_json(expression) : argument_of(number(expression));
}

Reference GraphWriter::number(const Expression& expression) {
  const auto known = numbers_.find(expression);
  if (known != numbers_.end()) return known->second;
  program_.symbols.meet(expression);
  Reference made = make_number(expression);
  numbers_.emplace(expression, made);
  return made;
}

Reference GraphWriter::make_number(const Expression& expression) {
  const ExpressionKind kind = expression.kind();
  if (kind == ExpressionKind::kSymbol) return read_symbol(expression);
  std::vector<Expression> values(expression.operands().begin(), expression.operands().end());
  std::vector<Json> operands;
  for (const Expression& operand : values) operands.push_back(number_argument(operand));
  if (kind == ExpressionKind::kProduct && expression.coefficient() != 1) {
    values.emplace_back(expression.coefficient());
    operands.push_back(constant_in_json(values.back()));
  }
  if (kind == ExpressionKind::kFloor || kind == ExpressionKind::kCeil) return rounded(expression, operands[0]);
  if (kind == ExpressionKind::kFromBool) return choose_one(operands[0], expression);
  if (!is_variadic(kind)) return emit(kind, std::move(operands), expression);
  Json result = operands[0];
  Expression value = values[0];
  Reference node;
  for (size_t i = 1; i < operands.size(); ++i) {
    value = i + 1 == operands.size() ? expression : partial(kind, value, values[i]);
    node = emit(kind, {std::move(result), std::move(operands[i])}, value);
    result = argument_of(node);
  }
  return node;
}

Reference GraphWriter::emit(ExpressionKind kind, std::vector<Json> operands, const Expression& value) {
  PythonFunction function = function_of(kind);
  Json inputs = Json::array();
  for (size_t i = 0; i < operands.size(); ++i) {
    inputs.push_back(input_of(function.parameters[i], std::move(operands[i]), /*is_positional=*/true));
  }
  const Reference node{names_.unique(function.name), kind_of(value)};
  Json outputs = Json::array({define_number(value, node.name)});
  append_node({std::move(function.target), std::move(inputs), std::move(outputs), metadata_, node.name});
  return node;
}

/// 1 where a condition holds, else 0.
Reference GraphWriter::choose_one(Json condition, const Expression& value) {
  return emit(ExpressionKind::kSelect, {std::move(condition), one("as_int", 1), one("as_int", 0)}, value);
}

/// By what torch.export.save can write, which knows math.trunc alone.
Reference GraphWriter::rounded(const Expression& expression, const Json& operand) {
  const bool is_floor = expression.kind() == ExpressionKind::kFloor;
  const Expression& real = expression.operands()[0];
  const Expression truncated = symbolic::to_int(ExpressionKind::kTruncate, real);
  const Json truncated_node = argument_of(emit(ExpressionKind::kTruncate, {operand}, truncated));
  const Expression as_real = symbolic::to_float(truncated);
  const Expression passed = is_floor ? symbolic::less(real, as_real) : symbolic::less(as_real, real);
  const Json passed_node = argument_of(is_floor ? emit(ExpressionKind::kLess, {operand, truncated_node}, passed)
                                                : emit(ExpressionKind::kLess, {truncated_node, operand}, passed));
  const Json step = argument_of(choose_one(passed_node, symbolic::from_bool(passed)));
  return emit(is_floor ? ExpressionKind::kSubtract : ExpressionKind::kAdd, {truncated_node, step}, expression);
}

Reference GraphWriter::read_symbol(const Expression& expression) {
  const auto found = sources_.find(expression.symbol().id);
  if (found == sources_.end()) {
    throw Error("the size " + expression.str() + " is used before anything gives it", ErrorCode::kInternalError);
  }
  const Source& source = found->second;
  if (!source.axis) return source.node;
  Json inputs = Json::array(
      {input_of("self", argument_of(source.node), true), input_of("dim", one("as_int", *source.axis), true)});
  const std::string name = names_.unique("sym_size_int");
  Json outputs = Json::array({define_number(expression, name)});
  append_node({"torch.ops.aten.sym_size.int", std::move(inputs), std::move(outputs),
               source.is_input ? outermost_module(metadata_) : metadata_, name},
              /*at_top=*/source.is_input);
  return {name, ValueKind::kInt};
}

}  // namespace tracejet::pt2
