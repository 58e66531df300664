#include "engines/openvino/failure.h"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <string_view>

#include "base/error.h"

namespace tracejet::openvino {

namespace {

/// The characters of the names that Lowering gives its nodes: "aten::view/t12".
bool is_of_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == ':'; }

}  // namespace

FailureLocator::FailureLocator(const onnx::Model& model) {
  for (const auto& node : model.nodes) {
    if (node.source != nullptr) nodes_.emplace(node.name, node.source);
  }
}

const Node* FailureLocator::node_of(const std::string& error) const {
  // OpenVINO's own name of the node that it is about comes last, after those of what feeds it.
  const auto after_quote = error.rfind("friendly_name '");
  for (size_t from : {after_quote == std::string::npos ? size_t{0} : after_quote, size_t{0}}) {
    const auto nodes = nodes_in(error.substr(from));
    if (!nodes.empty()) return nodes.front();
  }
  return nullptr;
}

std::vector<const Node*> FailureLocator::nodes_in(const std::string& text) const {
  std::vector<const Node*> nodes;
  for (size_t slash = text.find('/'); slash != std::string::npos; slash = text.find('/', slash + 1)) {
    size_t begin = slash;
    size_t end = slash + 1;
    while (begin > 0 && is_of_name(text[begin - 1])) --begin;
    while (end < text.size() && is_of_name(text[end])) ++end;
    const auto found = nodes_.find(text.substr(begin, end - begin));
    if (found != nodes_.end() && std::ranges::find(nodes, found->second) == nodes.end()) nodes.push_back(found->second);
  }
  return nodes;
}

Unsupported FailureLocator::refusal(const std::string& error) const {
  const std::string reason = "is refused by OpenVINO when it compiles: " + essence_of(error);
  if (const Node* node = node_of(error)) return {node, reason};
  throw UnsupportedOperator("the program " + reason, ErrorCode::kEngineRefusal);
}

std::string essence_of(const std::string& error) {
  const auto is_place = [](std::string_view line) {
    return line.starts_with("Exception from ") || line.starts_with("Check '") || line.starts_with("While validating") ||
           line.starts_with("FrontEnd API") || line.starts_with("Model wasn't fully converted") ||
           line.starts_with("-- ") || line.find_first_not_of(" \t\r") == std::string_view::npos;
  };
  std::istringstream lines(error);
  std::string essence;
  for (std::string line; std::getline(lines, line);) {
    if (!is_place(line)) essence += (essence.empty() ? "" : " ") + line;
  }
  return essence.empty() ? error : essence;
}

}  // namespace tracejet::openvino
