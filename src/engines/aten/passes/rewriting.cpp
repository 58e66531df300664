#include "engines/aten/passes/rewriting.h"

#include <algorithm>

namespace tracejet::aten {

c10::OperatorHandle find_op(const char* name, const char* overload) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
}

bool is_call_of(const Node& node, std::string_view name) { return Call(node).name() == name; }

bool is_reshape(const Node& node) { return is_call_of(node, "aten::reshape") || is_call_of(node, "aten::view"); }

const Node* made_by(const Value& value, std::string_view name) {
  const Node* node = value.producer();
  return node != nullptr && is_call_of(*node, name) ? node : nullptr;
}

const Node* only_reader(const Graph& graph, const Value& value) {
  if (value.users().size() != 1 || graph.is_output(value)) return nullptr;
  const Node* reader = value.users().front();
  size_t reads = 0;
  for (const Argument& argument : reader->arguments()) {
    for_each_value(argument, [&](const Value& read) { reads += &read == &value; });
  }
  return reads == 1 ? reader : nullptr;
}

Argument sizes_argument(c10::SymIntArrayRef sizes) {
  const auto is_number = [](const c10::SymInt& size) { return size.maybe_as_int().has_value(); };
  if (std::ranges::all_of(sizes, is_number)) {
    std::vector<int64_t> known;
    for (const c10::SymInt& size : sizes) known.push_back(*size.maybe_as_int());
    return c10::IValue(std::move(known));
  }
  return c10::IValue(std::vector<c10::SymInt>(sizes.begin(), sizes.end()));
}

const Value& replace_node(Graph& graph, const Node& node, c10::OperatorHandle op, std::vector<Argument> arguments) {
  const Value& old = *node.outputs().front();
  const Node& added = graph.insert_node(node, std::move(op), std::move(arguments), {old.tensor()}, node.where());
  graph.replace_all_uses(old, *added.outputs().front());
  graph.erase(node);
  return *added.outputs().front();
}

}  // namespace tracejet::aten
