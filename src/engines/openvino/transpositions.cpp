#include "engines/openvino/transpositions.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <openvino/op/constant.hpp>
#include <openvino/op/squeeze.hpp>
#include <openvino/op/transpose.hpp>
#include <openvino/op/unsqueeze.hpp>

namespace tracejet::openvino {

namespace {

std::shared_ptr<ov::Node> axes_of(const std::vector<int64_t>& axes) {
  return ov::op::v0::Constant::create(ov::element::i64, {axes.size()}, axes);
}

bool may_be_empty(const ov::PartialShape& shape) {
  return std::ranges::any_of(shape, [](const ov::Dimension& size) { return size.get_min_length() == 0; });
}

void say_moved_axes(ov::op::v1::Transpose& transposition) {
  const auto& shape = transposition.get_input_partial_shape(0);
  const auto* order = ov::as_type<ov::op::v0::Constant>(transposition.get_input_node_ptr(1));
  if (order == nullptr || shape.rank().is_dynamic() || !may_be_empty(shape)) return;
  const auto is_one = [&](int64_t axis) { return shape[static_cast<size_t>(axis)] == 1; };
  std::vector<int64_t> removed, added, others;
  const auto from = order->cast_vector<int64_t>();
  for (size_t axis = 0; axis < from.size(); ++axis) {
    if (is_one(static_cast<int64_t>(axis))) removed.push_back(static_cast<int64_t>(axis));
    if (is_one(from[axis])) added.push_back(static_cast<int64_t>(axis));
    if (!is_one(from[axis])) others.push_back(from[axis]);
  }
  if (removed.empty() || !std::ranges::is_sorted(others)) return;
  const auto squeezed = std::make_shared<ov::op::v0::Squeeze>(transposition.input_value(0), axes_of(removed));
  const auto result = std::make_shared<ov::op::v0::Unsqueeze>(squeezed, axes_of(added));
  squeezed->set_friendly_name(transposition.get_friendly_name() + "/removed");
  result->set_friendly_name(transposition.get_friendly_name());
  transposition.output(0).replace(result->output(0));
}

}  // namespace

void say_moved_axes(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    if (auto* transposition = ov::as_type<ov::op::v1::Transpose>(node.get())) say_moved_axes(*transposition);
  }
}

}  // namespace tracejet::openvino
