#include "graph/unsupported.h"

#include <map>

#include "graph/call.h"
#include "graph/location.h"

namespace tracejet {

namespace {

// Enough to find the pattern; a model with fifty layers repeats itself.
constexpr size_t kLinesShown = 3;

std::string indented(const std::string& text) {
  std::string result = "  ";
  for (const char c : text) {
    result += c;
    if (c == '\n') result += "  ";
  }
  return result;
}

void append(std::string& list, const Value& value) {
  if (value.is_tensor()) list += (list.empty() ? "" : ", ") + value.tensor().str();
}

/// "float32[2, 8], int64[2] -> float32[2, 4]"
std::string tensors_of(const Node& node) {
  std::string takes, gives;
  for (const Argument& argument : node.arguments()) {
    for_each_value(argument, [&](const Value& value) { append(takes, value); });
  }
  for (const Value* output : node.outputs()) {
    if (output != nullptr) append(gives, *output);
  }
  return takes + " -> " + gives;
}

}  // namespace

std::string report(const Graph& graph, const std::vector<Unsupported>& unsupported, std::string_view engine) {
  std::map<std::string, std::vector<const Node*>> by_kind;
  for (const auto& [node, reason] : unsupported) by_kind[Call(*node).name() + " " + reason].push_back(node);
  std::string message = std::string(engine) + " can't run " + std::to_string(unsupported.size()) +
                        (unsupported.size() == 1 ? " operator" : " operators") + " of this program:";
  for (const auto& [kind, nodes] : by_kind) {
    message += "\n  " + kind;
    if (nodes.size() > 1) message += " (" + std::to_string(nodes.size()) + " times)";
    for (size_t i = 0; i < nodes.size() && i < kLinesShown; ++i) {
      message += "\n    " + tensors_of(*nodes[i]);
      const std::string where = describe(nodes[i]->where(), graph);
      if (!where.empty()) message += "\n" + indented(where);
    }
    if (nodes.size() > kLinesShown) message += "\n    and " + std::to_string(nodes.size() - kLinesShown) + " more";
  }
  return message;
}

}  // namespace tracejet
