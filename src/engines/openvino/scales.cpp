#include "engines/openvino/scales.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include <openvino/op/add.hpp>
#include <openvino/op/broadcast.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/divide.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/mvn.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/squeeze.hpp>
#include <openvino/op/unsqueeze.hpp>
#include <openvino/op/util/binary_elementwise_arithmetic.hpp>

#include "engines/openvino/fixed_values.h"
#include "engines/openvino/node_types.h"

namespace tracejet::openvino {

namespace {

/// Whether the node may be the last step of a norm: the product with a reciprocal root, or moments in another shape.
bool may_be_norm(const ov::Node* node) {
  while (is_any<ov::op::v1::Reshape, ov::op::v1::Add>(node)) {
    const auto inputs = node->input_values();
    const bool is_first =
        ov::is_type<ov::op::v1::Reshape>(node) || !ov::is_type<ov::op::v0::Constant>(inputs[0].get_node());
    node = inputs[is_first ? 0 : 1].get_node();
  }
  return is_any<ov::op::v1::Multiply, ov::op::v1::Divide, ov::op::v6::MVN>(node);
}

/// Whether the result has more axes than the value, or larger ones.
bool is_larger(const ov::PartialShape& result, const ov::PartialShape& value) {
  if (result.rank().is_dynamic() || value.rank().is_dynamic()) return false;
  return !std::equal(result.begin(), result.end(), value.begin(), value.end(),
                     [](const ov::Dimension& now, const ov::Dimension& size) { return size != 1 || now == 1; });
}

/// Whether one number gets more axes: where a reduction gives it, fused with the scale, it has them no more.
bool adds_axes_to_number(const ov::PartialShape& result, const ov::PartialShape& value) {
  const auto is_number = [](const ov::PartialShape& shape) {
    return shape.is_static() && ov::shape_size(shape.to_shape()) == 1;
  };
  return is_number(result) && is_number(value) && result.size() > value.size();
}

std::shared_ptr<ov::Node> axes(size_t count) {
  std::vector<int64_t> leading(count);
  std::iota(leading.begin(), leading.end(), 0);
  return ov::op::v0::Constant::create(ov::element::i64, {count}, leading);
}

/// Applies the scale to the value with more axes in front: nothing is fused with that.
void separate(ov::Node& node, size_t value) {
  const size_t rank = node.get_input_partial_shape(value).size();
  const size_t result_rank = node.get_output_partial_shape(0).size();
  const size_t added = std::max<size_t>(result_rank - rank, 1);
  const auto uses = node.get_output_target_inputs(0);
  node.input(value).replace_source_output(
      std::make_shared<ov::op::v0::Unsqueeze>(node.input_value(value), axes(added))->output(0));
  node.validate_and_infer_types();
  if (rank + added == result_rank) return;
  const auto result = std::make_shared<ov::op::v0::Squeeze>(node.output(0), axes(added));
  result->set_friendly_name(node.get_friendly_name() + "/scaled");
  result->output(0).set_names(node.output(0).get_names());
  node.output(0).set_names({});
  for (auto use : uses) use.replace_source_output(result->output(0));
}

}  // namespace

void separate_larger_scales(ov::Model& model) {
  const auto fixed = fixed_nodes(model);
  for (const auto& node : model.get_ordered_ops()) {
    // OpenVINO makes products with ones of broadcasts.
    const bool is_broadcast = ov::is_type<ov::op::v3::Broadcast>(node.get());
    if (!is_broadcast && !ov::is_type<ov::op::util::BinaryElementwiseArithmetic>(node.get())) continue;
    for (size_t value = 0; value < (is_broadcast ? 1 : 2); ++value) {
      const auto& from = node->get_input_partial_shape(value);
      const auto& to = node->get_output_partial_shape(0);
      if (!is_larger(to, from)) continue;
      const auto scale = fixed.find(node->get_input_node_ptr(1 - value));
      if (scale == fixed.end() || !scale->second.is_fixed) continue;
      if (may_be_norm(node->get_input_node_ptr(value)) || adds_axes_to_number(to, from)) separate(*node, value);
    }
  }
}

}  // namespace tracejet::openvino
