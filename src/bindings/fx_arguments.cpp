#include "bindings/fx_arguments.h"

#include <ATen/core/jit_type.h>

#include "base/error.h"
#include "bindings/typed_constant.h"
#include "ir/symbolic_constant.h"

namespace tracejet::python {

namespace {

py::object constant(const c10::IValue& value, const c10::TypePtr& type, const FxReferences& references) {
  return typed_constant(value, type, [&](const c10::IValue& item) {
    if (item.isTensor()) throw Error("a tensor stands among the constants of a call; it must be an input of the graph");
    const auto expression = symbolic_expression(item);
    return expression ? references.number(*expression) : py::object();
  });
}

py::object argument(const Argument& argument, const c10::Argument& schema, const FxReferences& references) {
  if (const auto* value = std::get_if<const Value*>(&argument)) return references.value(**value);
  if (const auto* values = std::get_if<std::vector<const Value*>>(&argument)) {
    py::list list(values->size());
    for (size_t i = 0; i < values->size(); ++i) {
      const Value* value = (*values)[i];
      list[i] = value == nullptr ? py::none() : references.value(*value);
    }
    return list;
  }
  // real_type(): type() says int for a dtype.
  return constant(std::get<c10::IValue>(argument), schema.real_type(), references);
}

/// Whether a call without this argument means the same. `int[2] stride=1` has the default [1, 1].
bool is_default(const Argument& argument, const c10::Argument& schema) {
  const auto& standard = schema.default_value();
  const auto* value = std::get_if<c10::IValue>(&argument);
  if (!standard || value == nullptr) return false;
  if (is_symbolic_number(*value)) return false;
  if (value->isList()) {
    const auto items = value->toListRef();
    const bool repeated = schema.N() && static_cast<size_t>(*schema.N()) == items.size() && standard->isInt();
    if (repeated) {
      return std::ranges::all_of(items, [&](const c10::IValue& item) { return item.isInt() && item == *standard; });
    }
    if (!standard->isList() || standard->toListRef().size() != items.size()) return false;
    for (size_t i = 0; i < items.size(); ++i) {
      if (is_symbolic_number(items[i]) || items[i].tagKind() != standard->toListRef()[i].tagKind()) return false;
    }
  } else if (value->tagKind() != standard->tagKind()) {
    return false;  // 1 and 1.0 and True are equal to Python, but not the same argument
  }
  return *value == *standard;
}

}  // namespace

FxArguments fx_arguments(const Node& node, const FxReferences& references) {
  const auto& schema = node.op().schema().arguments();
  const auto arguments = node.arguments();
  TORCH_INTERNAL_ASSERT(schema.size() == arguments.size());

  size_t positional = 0;
  while (positional < schema.size() && !schema[positional].kwarg_only()) ++positional;
  size_t needed = positional;
  while (needed > 0 && is_default(arguments[needed - 1], schema[needed - 1])) --needed;

  FxArguments result{py::tuple(needed), py::dict()};
  for (size_t i = 0; i < needed; ++i) result.args[i] = argument(arguments[i], schema[i], references);
  for (size_t i = positional; i < schema.size(); ++i) {
    if (is_default(arguments[i], schema[i])) continue;
    result.kwargs[py::str(schema[i].name())] = argument(arguments[i], schema[i], references);
  }
  return result;
}

py::object fx_constant(const c10::IValue& value, const FxReferences& references) {
  return constant(value, c10::AnyType::get(), references);
}

}  // namespace tracejet::python
