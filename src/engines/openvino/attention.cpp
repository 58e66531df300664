#include "engines/openvino/attention.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tracejet::openvino {

namespace {

constexpr std::array kProducts{"aten::bmm", "aten::matmul", "aten::mm"};
constexpr std::array kSoftmax{"aten::_softmax", "aten::softmax", "aten::_safe_softmax"};
/// What keeps the elements of probabilities.
constexpr std::array kViews{"aten::view",      "aten::_unsafe_view", "aten::reshape",  "aten::expand", "aten::clone",
                            "aten::unsqueeze", "aten::squeeze",      "aten::_to_copy", "aten::alias"};

template <size_t count>
bool is_one_of(const Node& node, const std::array<const char*, count>& names) {
  return std::ranges::find(names, std::string_view(node.op().operator_name().name)) != names.end();
}

const Node* producer_of_first(const Node& node) {
  const auto* first = node.arguments().empty() ? nullptr : std::get_if<const Value*>(&node.arguments().front());
  return first == nullptr || *first == nullptr ? nullptr : (*first)->producer();
}

bool is_of_probabilities(const Node& product) {
  const Node* node = producer_of_first(product);
  while (node != nullptr && is_one_of(*node, kViews)) node = producer_of_first(*node);
  return node != nullptr && is_one_of(*node, kSoftmax);
}

bool gives_attention(const Node& node) {
  const std::string_view name = node.op().operator_name().name;
  if (name.find("scaled_dot_product") != std::string_view::npos) return true;
  return is_one_of(node, kProducts) && is_of_probabilities(node);
}

/// Views of it count as the result itself.
size_t reader_count(const Graph& graph, const Value& value) {
  size_t count = graph.is_output(value) ? 1 : 0;
  for (const Node* user : value.users()) {
    const Value* view = is_one_of(*user, kViews) ? user->outputs().front() : nullptr;
    count += view == nullptr ? 1 : reader_count(graph, *view);
  }
  return count;
}

}  // namespace

bool shares_attention(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(), [&](const Node& node) {
    return gives_attention(node) && reader_count(graph, *node.outputs().front()) > 1;
  });
}

}  // namespace tracejet::openvino
