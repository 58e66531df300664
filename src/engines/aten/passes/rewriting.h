#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "ir/call.h"
#include "ir/graph.h"

namespace tracejet::aten {

c10::OperatorHandle find_op(const char* name, const char* overload = "");

bool is_call_of(const Node& node, std::string_view name);
bool is_reshape(const Node& node);
/// The node that gives a value by this operator ("aten::relu"); null where it is another one.
const Node* made_by(const Value& value, std::string_view name);

/// The node that reads a value alone, and that once; null where there are others, or where the program gives it.
const Node* only_reader(const Graph& graph, const Value& value);

/// Sizes as operators take them: as numbers where all are known.
Argument sizes_argument(c10::SymIntArrayRef sizes);

/// A call of one result in the place of `node`, whose result it takes over. What `node` read stays.
const Value& replace_node(Graph& graph, const Node& node, c10::OperatorHandle op, std::vector<Argument> arguments);

/// Calls `rewrite(node)` for each node. It may erase that node, and those before it.
template <typename Rewrite>
void for_each_node(const Graph& graph, Rewrite&& rewrite) {
  for (auto next = graph.nodes().begin(); next != graph.nodes().end();) {
    const Node& node = *next++;
    rewrite(node);
  }
}

}  // namespace tracejet::aten
