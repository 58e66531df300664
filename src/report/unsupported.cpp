#include "report/unsupported.h"

#include <map>

#include "ir/call.h"
#include "ir/model_line.h"
#include "report/words.h"

namespace tracejet {

namespace {

std::string indented(const std::string& text) {
  std::string result = "  ";
  for (const char c : text) {
    result += c;
    if (c == '\n') result += "  ";
  }
  return result;
}

}  // namespace

std::vector<std::string> tensors_taken(const Node& node) {
  std::vector<std::string> texts;
  for (const Argument& argument : node.arguments()) {
    for_each_value(argument, [&](const Value& value) {
      if (value.is_tensor()) texts.push_back(value.tensor().str());
    });
  }
  return texts;
}

std::vector<std::string> tensors_given(const Node& node) {
  std::vector<std::string> texts;
  for (const Value* output : node.outputs()) {
    if (output != nullptr && output->is_tensor()) texts.push_back(output->tensor().str());
  }
  return texts;
}

namespace {

std::string listed_by_kind(const Graph& graph, const std::vector<Unsupported>& unsupported) {
  std::string message;
  std::map<std::string, std::vector<const Node*>> by_kind;
  for (const auto& [node, reason] : unsupported) by_kind[Call(*node).name() + " " + reason].push_back(node);
  for (const auto& [kind, nodes] : by_kind) {
    message += "\n  " + kind;
    if (nodes.size() > 1) message += " (" + std::to_string(nodes.size()) + " times)";
    for (size_t i = 0; i < nodes.size() && i < kLinesShown; ++i) {
      message += "\n    " + joined_words(tensors_taken(*nodes[i])) + " -> " + joined_words(tensors_given(*nodes[i]));
      const std::string where = describe(nodes[i]->where(), graph);
      if (!where.empty()) message += "\n" + indented(where);
    }
    if (nodes.size() > kLinesShown) message += "\n    and " + std::to_string(nodes.size() - kLinesShown) + " more";
  }
  return message;
}

}  // namespace

std::string report(const Graph& graph, const std::vector<Unsupported>& unsupported, std::string_view engine) {
  return std::string(engine) + " can't run " + count_in_words(static_cast<int64_t>(unsupported.size()), "operator") +
         " of this program:" + listed_by_kind(graph, unsupported);
}

std::string report_warnings(const Graph& graph, const std::vector<Unsupported>& warnings, std::string_view engine) {
  if (warnings.empty()) return {};
  return std::string(engine) + " runs " + count_in_words(static_cast<int64_t>(warnings.size()), "operator") +
         " of this program otherwise than PyTorch:" + listed_by_kind(graph, warnings);
}

}  // namespace tracejet
