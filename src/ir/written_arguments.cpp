#include "ir/written_arguments.h"

#include <algorithm>

#include "ir/symbolic_constant.h"

namespace tracejet {

namespace {

/// Whether a call without this argument means the same. `int[2] stride=1` has the default [1, 1].
bool is_default(const Argument& argument, const c10::Argument& schema) {
  const auto& standard = schema.default_value();
  const auto* value = std::get_if<c10::IValue>(&argument);
  if (!standard || value == nullptr || is_symbolic_number(*value)) return false;
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

WrittenArguments written_arguments(const Node& node) {
  const auto& schema = node.op().schema().arguments();
  const auto arguments = node.arguments();
  TORCH_INTERNAL_ASSERT(schema.size() == arguments.size());
  size_t positional = 0;
  while (positional < schema.size() && !schema[positional].kwarg_only()) ++positional;
  WrittenArguments written{positional, {}};
  while (written.positional > 0 && is_default(arguments[written.positional - 1], schema[written.positional - 1])) {
    --written.positional;
  }
  for (size_t i = positional; i < schema.size(); ++i) {
    if (!is_default(arguments[i], schema[i])) written.keyword.push_back(i);
  }
  return written;
}

}  // namespace tracejet
