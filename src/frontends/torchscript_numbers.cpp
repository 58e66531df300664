// TorchScript's arithmetic on sizes that are symbols: its own operators take plain numbers.
#include "frontends/torchscript_numbers.h"

#include <algorithm>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/SymBool.h>
#include <c10/core/SymFloat.h>
#include <c10/core/SymInt.h>
#include <c10/core/SymNodeImpl.h>

#include "ir/symbolic_constant.h"
#include "symbolic/asker.h"
#include "symbolic/operators.h"
#include "symbolic/sym_node.h"

namespace tracejet::torchscript {

namespace {

using Node = c10::SymNode;

c10::IValue from_node(const Node& node) {
  if (node->is_int()) return c10::SymInt(node);
  if (node->is_float()) return c10::SymFloat(node);
  return c10::SymBool(node);
}

/// A number, also one that TorchScript has made a tensor of.
bool is_number(const c10::IValue& value) {
  return value.isInt() || value.isDouble() || value.isBool() || is_symbolic_number(value);
}

Node symbolic_node(const c10::IValue& value) {
  if (value.isSymInt()) return value.toSymInt().toSymNode();
  if (value.isSymFloat()) return value.toSymFloat().toSymNodeImpl();
  return value.toSymBool().toSymNodeImpl();
}

/// All numbers as nodes of one kind, `base` being one of the symbolic ones.
Node as_node(const c10::IValue& value, const Node& base) {
  if (is_symbolic_number(value)) return symbolic_node(value);
  if (value.isDouble()) return base->wrap_float(value.toDouble());
  return value.isBool() ? base->wrap_bool(value.toBool()) : base->wrap_int(value.toInt());
}

Node as_float(const Node& node) { return node->is_float() ? node : node->sym_float(); }

using Expressions = symbolic::Expression (*)(const symbolic::Expression&, const symbolic::Expression&);

/// What C++'s nodes have no method for.
Node combined(Expressions combine, const Node& a, const Node& b) {
  return symbolic::make_sym_node(combine(*symbolic::expression_of(*a), *symbolic::expression_of(*b)),
                                 *symbolic::context_of(*a));
}

/// Null where these aren't integers.
Node on_bits(Expressions combine, const Node& a, const Node& b) {
  return a->is_int() && b->is_int() ? combined(combine, a, b) : Node();
}

bool are_booleans(const Node& a, const Node& b) { return a->is_bool() && b->is_bool(); }

struct Binary {
  std::string_view op;
  Node (*apply)(const Node& a, const Node& b);  ///< null where it isn't for numbers like these
};

constexpr Binary kBinary[] = {
    {"add", [](const Node& a, const Node& b) { return a->add(b); }},
    {"sub", [](const Node& a, const Node& b) { return a->sub(b); }},
    {"mul", [](const Node& a, const Node& b) { return a->mul(b); }},
    {"floordiv", [](const Node& a, const Node& b) { return a->floordiv(b); }},
    {"floor_divide", [](const Node& a, const Node& b) { return a->floordiv(b); }},
    {"remainder", [](const Node& a, const Node& b) { return a->mod(b); }},
    {"div", [](const Node& a, const Node& b) { return as_float(a)->truediv(as_float(b)); }},
    {"min", [](const Node& a, const Node& b) { return a->sym_min(b); }},
    {"max", [](const Node& a, const Node& b) { return a->sym_max(b); }},
    {"eq", [](const Node& a, const Node& b) { return a->eq(b); }},
    {"ne", [](const Node& a, const Node& b) { return a->ne(b); }},
    {"lt", [](const Node& a, const Node& b) { return a->lt(b); }},
    {"le", [](const Node& a, const Node& b) { return a->le(b); }},
    {"gt", [](const Node& a, const Node& b) { return a->gt(b); }},
    {"ge", [](const Node& a, const Node& b) { return a->ge(b); }},
    {"__and__", [](const Node& a,
                   const Node& b) { return are_booleans(a, b) ? a->sym_and(b) : on_bits(symbolic::bit_and, a, b); }},
    {"__or__",
     [](const Node& a, const Node& b) { return are_booleans(a, b) ? a->sym_or(b) : on_bits(symbolic::bit_or, a, b); }},
    {"__xor__",
     [](const Node& a, const Node& b) {
       return are_booleans(a, b) ? combined(symbolic::not_equal, a, b) : on_bits(symbolic::bit_xor, a, b);
     }},
    {"__lshift__", [](const Node& a, const Node& b) { return on_bits(symbolic::shift_left, a, b); }},
    {"__rshift__", [](const Node& a, const Node& b) { return on_bits(symbolic::shift_right, a, b); }},
    {"pow", [](const Node& a, const Node& b) { return as_float(a)->float_pow(as_float(b)); }},  // of integers, too
};

/// What is computed of a size, or of a float that comes of sizes. TorchScript's `round` gives a float.
struct Unary {
  std::string_view op;
  symbolic::Expression (*apply)(const symbolic::Expression& number);
};

template <symbolic::Kind kKind>
symbolic::Expression function(const symbolic::Expression& number) {
  return symbolic::float_function(kKind, symbolic::to_float(number));
}

constexpr Unary kUnary[] = {
    {"abs", symbolic::abs},
    {"round",
     [](const symbolic::Expression& number) {
       return number.is_int() ? symbolic::to_float(number)
                              : symbolic::to_float(symbolic::to_int(symbolic::Kind::kRound, number));
     }},
    {"Int", [](const symbolic::Expression& number) { return symbolic::to_int(symbolic::Kind::kTruncate, number); }},
    {"sqrt", function<symbolic::Kind::kSqrt>},
    {"sin", function<symbolic::Kind::kSin>},
    {"cos", function<symbolic::Kind::kCos>},
    {"tan", function<symbolic::Kind::kTan>},
    {"tanh", function<symbolic::Kind::kTanh>},
};

std::optional<c10::IValue> unary(std::string_view op, const c10::IValue& value) {
  constexpr std::string_view kKept[] = {"NumToTensor",   "ScalarImplicit", "IntImplicit",
                                        "FloatImplicit", "Scalar",         "item"};
  if (std::ranges::find(kKept, op) != std::end(kKept)) return value;
  const Node node = symbolic_node(value);
  if (op == "neg") return from_node(node->neg());
  if (op == "__not__" && value.isSymBool()) return from_node(node->sym_not());
  if (op == "Float" && !value.isSymBool()) return from_node(as_float(node));
  if (op == "Int" && value.isSymInt()) return value;
  if (op == "Bool" && value.isSymBool()) return value;
  if (op == "Bool") return from_node(node->ne(as_node(value.isSymInt() ? c10::IValue(0) : c10::IValue(0.0), node)));
  if ((op == "ceil" || op == "floor") && value.isSymInt()) return value;
  if (op == "ceil") return from_node(node->ceil());
  if (op == "floor") return from_node(node->floor());
  const auto entry = std::ranges::find(kUnary, op, &Unary::op);
  if (entry == std::end(kUnary) || value.isSymBool()) return std::nullopt;
  const symbolic::Expression number = *symbolic::expression_of(*node);
  if (number.is_float() && symbolic::is_data_dependent(number)) return std::nullopt;
  return from_node(symbolic::make_sym_node(entry->apply(number), *symbolic::context_of(*node)));
}

}  // namespace

c10::IValue unwrapped(const c10::IValue& value) {
  if (!value.isTensor()) return value;
  const at::Tensor& tensor = value.toTensor();
  const bool is_plain = tensor.defined() && tensor.dim() == 0 && tensor.key_set().has(c10::DispatchKey::CPU) &&
                        !tensor.key_set().has(c10::DispatchKey::Functionalize);
  if (!is_plain || tensor.scalar_type() != at::kLong) return value;
  return *tensor.const_data_ptr<int64_t>();
}

std::optional<c10::IValue> compute(std::string_view op, std::span<const c10::IValue> arguments) {
  std::vector<c10::IValue> numbers(arguments.begin(), arguments.end());
  const auto symbolic = std::ranges::find_if(numbers, &is_symbolic_number);
  if (symbolic == numbers.end()) return std::nullopt;
  const bool scales = (op == "add" || op == "sub") && numbers.size() == 3;  // of tensors: a + alpha * b
  if (scales && numbers[2].isInt() && numbers[2].toInt() == 1) numbers.pop_back();
  if (numbers.size() == 1) return unary(op, numbers[0]);
  if (numbers.size() != 2 || !is_number(numbers[0]) || !is_number(numbers[1])) return std::nullopt;
  const auto entry = std::ranges::find(kBinary, op, &Binary::op);
  if (entry == std::end(kBinary)) return std::nullopt;
  const Node base = symbolic_node(*symbolic);
  Node a = as_node(numbers[0], base), b = as_node(numbers[1], base);
  if (a->is_float() != b->is_float()) {
    a = as_float(a);
    b = as_float(b);
  }
  const symbolic::AskedBy asked(symbolic::Asker::kPyTorch);  // numbers are rounded as Python does it
  const Node result = entry->apply(a, b);
  return result ? std::optional(from_node(result)) : std::nullopt;
}

}  // namespace tracejet::torchscript
