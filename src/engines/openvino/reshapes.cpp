#include "engines/openvino/reshapes.h"

#include <unordered_set>

#include <openvino/op/broadcast.hpp>
#include <openvino/op/concat.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/unsqueeze.hpp>
#include <openvino/op/util/binary_elementwise_arithmetic.hpp>
#include <openvino/op/util/binary_elementwise_comparison.hpp>
#include <openvino/op/util/gather_base.hpp>
#include <openvino/op/util/unary_elementwise_arithmetic.hpp>

#include "engines/openvino/node_types.h"
#include "engines/openvino/same_value.h"

namespace tracejet::openvino {

namespace {

void read_unfused(ov::Input<ov::Node> input) {
  input.replace_source_output(same_value(input.get_source_output())->output(0));
}

/// Broadcasts, and arithmetic on them.
std::unordered_set<const ov::Node*> broadcasts(const ov::Model& model) {
  return nodes_of(
      model, [](const ov::Node* node) { return ov::is_type<ov::op::util::BroadcastBase>(node); },
      [](const ov::Input<ov::Node>& input) {
        return is_any<ov::op::util::UnaryElementwiseArithmetic, ov::op::util::BinaryElementwiseArithmetic>(
            input.get_node());
      });
}

}  // namespace

void take_sizes_at_their_word(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    const auto* reshape = ov::as_type<ov::op::v1::Reshape>(node.get());
    if (reshape == nullptr || reshape->get_special_zero() || !may_be_empty(node->get_input_partial_shape(0))) continue;
    auto* sizes = ov::as_type<ov::op::v0::Concat>(node->get_input_node_ptr(1));
    if (sizes == nullptr) continue;
    for (const auto& size : sizes->inputs()) {
      if (!ov::is_type<ov::op::v0::Constant>(size.get_source_output().get_node())) read_unfused(size);
    }
  }
}

void keep_gathered_axes(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    const bool is_gathered =
        ov::is_type<ov::op::util::GatherBase>(node) && node->get_input_partial_shape(1).rank() != 0;
    if (is_gathered && ov::is_type<ov::op::v0::Unsqueeze>(node->get_input_node_ptr(0))) read_unfused(node->input(0));
  }
}

void keep_broadcasts_to_empty(ov::Model& model) {
  const auto of_broadcast = broadcasts(model);
  for (const auto& node : model.get_ordered_ops()) {
    if (!is_any<ov::op::util::BinaryElementwiseArithmetic, ov::op::util::BinaryElementwiseComparison>(node.get()) ||
        !may_be_empty(node->get_output_partial_shape(0)))
      continue;
    for (const ov::Input<ov::Node>& input : node->inputs()) {
      if (of_broadcast.contains(input.get_source_output().get_node())) read_unfused(input);
    }
  }
}

void separate_images_of_one_channel(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    if (!ov::is_type<ov::op::v1::Reshape>(node)) continue;
    const ov::Output<ov::Node> image = node->input_value(0);
    const ov::PartialShape& shape = image.get_partial_shape();
    if (shape.size() < 4 || shape[1] != 1) continue;
    if (image.get_target_inputs().size() > 1) read_unfused(node->input(0));
  }
}

}  // namespace tracejet::openvino
