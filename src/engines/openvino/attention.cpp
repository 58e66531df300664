#include "engines/openvino/attention.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <numeric>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <openvino/op/add.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/select.hpp>
#include <openvino/op/softmax.hpp>
#include <openvino/op/unsqueeze.hpp>
#include <openvino/op/util/binary_elementwise_arithmetic.hpp>
#include <openvino/op/util/binary_elementwise_comparison.hpp>
#include <openvino/op/util/unary_elementwise_arithmetic.hpp>

#include "engines/openvino/node_types.h"

namespace tracejet::openvino {

namespace {

constexpr std::array kProducts{"aten::bmm", "aten::matmul", "aten::mm"};
constexpr std::array kLayers{"aten::linear", "aten::addmm", "aten::baddbmm", "aten::convolution"};
constexpr std::array kTranspositions{"aten::transpose", "aten::permute", "aten::t", "aten::select", "aten::slice"};
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

/// Or by anything else than a product, behind views and transpositions.
bool is_read_by_arithmetic(const Value& value) {
  return std::ranges::any_of(value.users(), [](const Node* user) {
    if (is_one_of(*user, kViews) || is_one_of(*user, kTranspositions))
      return is_read_by_arithmetic(*user->outputs().front());
    return !is_one_of(*user, kProducts) && !is_one_of(*user, kLayers);
  });
}

/// Whether it is a product of matrices, or arithmetic on one.
bool are_scores(const ov::Node* node) {
  while (ov::is_type<ov::op::util::BinaryElementwiseArithmetic>(node)) node = node->get_input_node_ptr(0);
  return ov::is_type<ov::op::v0::MatMul>(node);
}

/// Products of matrices, and what is computed of their elements with as many axes.
std::unordered_set<const ov::Node*> products(const ov::Model& model) {
  return nodes_of(
      model, [](const ov::Node* node) { return ov::is_type<ov::op::v0::MatMul>(node); },
      [](const ov::Input<ov::Node>& input) {
        const ov::Node* node = input.get_node();
        return is_any<ov::op::util::UnaryElementwiseArithmetic, ov::op::util::BinaryElementwiseArithmetic>(node) &&
               input.get_partial_shape().size() == node->get_output_partial_shape(0).size();
      });
}

/// Too little to change a probability.
double least(const ov::element::Type& type) {
  return type == ov::element::f16 ? static_cast<double>(std::numeric_limits<ov::float16>::min())
                                  : static_cast<double>(std::numeric_limits<float>::min());
}

}  // namespace

void add_least_to_scores(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    if (!is_any<ov::op::v1::Softmax, ov::op::v8::Softmax>(node.get())) continue;
    const ov::Output<ov::Node> scores = node->input_value(0);
    const ov::PartialShape& shape = scores.get_partial_shape();
    if (shape.size() == 0 || shape.rbegin()->is_static() || shape.rbegin()->get_min_length() > 1) continue;
    if (!are_scores(scores.get_node())) continue;
    const auto type = scores.get_element_type();
    const auto added = std::make_shared<ov::op::v1::Add>(scores, ov::op::v0::Constant::create(type, {}, {least(type)}));
    added->set_friendly_name(node->get_friendly_name() + "/scores");
    node->input(0).replace_source_output(added->output(0));
  }
}

void add_axes_behind_products(ov::Model& model) {
  const auto of_product = products(model);
  for (const auto& node : model.get_ordered_ops()) {
    if (!is_any<ov::op::util::BinaryElementwiseArithmetic, ov::op::util::BinaryElementwiseComparison,
                ov::op::v1::Select>(node.get()))
      continue;
    for (ov::Input<ov::Node> input : node->inputs()) {
      const size_t rank = input.get_partial_shape().size(), result_rank = node->get_output_partial_shape(0).size();
      if (rank >= result_rank || rank < 2 || !of_product.contains(input.get_source_output().get_node())) continue;
      std::vector<int64_t> added(result_rank - rank);
      std::iota(added.begin(), added.end(), 0);
      const auto axes = ov::op::v0::Constant::create(ov::element::i64, {added.size()}, added);
      input.replace_source_output(std::make_shared<ov::op::v0::Unsqueeze>(input.get_source_output(), axes)->output(0));
    }
  }
}

bool may_break_fusion(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(), [&](const Node& node) {
    if (!gives_attention(node)) return false;
    const Value& attention = *node.outputs().front();
    return reader_count(graph, attention) > 1 ||
           (!attention.tensor().is_symbolic() && is_read_by_arithmetic(attention));
  });
}

}  // namespace tracejet::openvino
