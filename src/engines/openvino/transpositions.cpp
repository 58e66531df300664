#include "engines/openvino/transpositions.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <openvino/op/constant.hpp>
#include <openvino/op/squeeze.hpp>
#include <openvino/op/transpose.hpp>
#include <openvino/op/unsqueeze.hpp>

#include "engines/openvino/node_types.h"

namespace tracejet::openvino {

namespace {

std::shared_ptr<ov::Node> axes_of(const std::vector<int64_t>& axes) {
  return ov::op::v0::Constant::create(ov::element::i64, {axes.size()}, axes);
}

struct Moved {
  ov::Output<ov::Node> value;
  std::vector<int64_t> from;  ///< of each axis; empty where they are only known when it runs
};

/// What a transposition moves, and whence.
Moved moved_by(const ov::op::v1::Transpose& transposition) {
  const auto* order = ov::as_type<ov::op::v0::Constant>(transposition.get_input_node_ptr(1));
  if (order == nullptr) return {};
  return {transposition.input_value(0), order->cast_vector<int64_t>()};
}

/// With those before it, which OpenVINO makes one with it.
Moved moved_by_all(const ov::op::v1::Transpose& transposition) {
  Moved moved = moved_by(transposition);
  if (moved.from.empty()) return moved;
  const auto* before = ov::as_type<ov::op::v1::Transpose>(moved.value.get_node());
  if (before == nullptr) return moved;
  const Moved first = moved_by_all(*before);
  if (first.from.size() != moved.from.size()) return moved;
  for (int64_t& axis : moved.from) axis = first.from[static_cast<size_t>(axis)];
  return {first.value, moved.from};
}

/// The same without a transposition, where nothing but axes of size 1 is moved, and another may be empty.
std::shared_ptr<ov::Node> without_transposition(const Moved& moved, const std::string& name) {
  const auto& [value, from] = moved;
  const auto& shape = value.get_node() == nullptr ? ov::PartialShape::dynamic() : value.get_partial_shape();
  if (shape.rank().is_dynamic() || !may_be_empty(shape)) return nullptr;
  const auto is_one = [&](int64_t axis) { return shape[static_cast<size_t>(axis)] == 1; };
  std::vector<int64_t> removed, added, others;
  for (size_t axis = 0; axis < from.size(); ++axis) {
    if (is_one(static_cast<int64_t>(axis))) removed.push_back(static_cast<int64_t>(axis));
    if (is_one(from[axis])) added.push_back(static_cast<int64_t>(axis));
    if (!is_one(from[axis])) others.push_back(from[axis]);
  }
  if (removed.empty() || !std::ranges::is_sorted(others)) return nullptr;
  const auto squeezed = std::make_shared<ov::op::v0::Squeeze>(value, axes_of(removed));
  const auto result = std::make_shared<ov::op::v0::Unsqueeze>(squeezed, axes_of(added));
  squeezed->set_friendly_name(name + "/removed");
  result->set_friendly_name(name);
  return result;
}

}  // namespace

void say_moved_axes(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    const auto* transposition = ov::as_type<ov::op::v1::Transpose>(node.get());
    if (transposition == nullptr) continue;
    auto other = without_transposition(moved_by(*transposition), node->get_friendly_name());
    if (other == nullptr) other = without_transposition(moved_by_all(*transposition), node->get_friendly_name());
    if (other != nullptr) node->output(0).replace(other->output(0));
  }
}

}  // namespace tracejet::openvino
