#include "bindings/fx_arguments.h"

#include <ATen/core/jit_type.h>

#include "base/error.h"
#include "bindings/typed_constant.h"
#include "ir/symbolic_constant.h"
#include "ir/written_arguments.h"

namespace tracejet::python {

namespace {

py::object constant(const c10::IValue& value, const c10::TypePtr& type, const FxReferences& references) {
  return typed_constant(value, type, [&](const c10::IValue& item) {
    if (item.isTensor())
      throw Error("a tensor stands among the constants of a call; it must be an input of the graph",
                  ErrorCode::kInternalError);
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

}  // namespace

FxArguments fx_arguments(const Node& node, const FxReferences& references) {
  const auto& schema = node.op().schema().arguments();
  const WrittenArguments written = written_arguments(node);
  const auto at = [&](size_t i) { return argument(node.arguments()[i], schema[i], references); };
  FxArguments result{py::tuple(written.positional), py::dict()};
  for (size_t i = 0; i < written.positional; ++i) result.args[i] = at(i);
  for (const size_t i : written.keyword) result.kwargs[py::str(schema[i].name())] = at(i);
  return result;
}

py::object fx_constant(const c10::IValue& value, const FxReferences& references) {
  return constant(value, c10::AnyType::get(), references);
}

}  // namespace tracejet::python
