#pragma once

#include <algorithm>
#include <unordered_set>
#include <vector>

#include <openvino/core/model.hpp>
#include <openvino/core/node.hpp>
#include <openvino/core/type.hpp>
#include <openvino/op/concat.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/split.hpp>
#include <openvino/op/squeeze.hpp>
#include <openvino/op/tile.hpp>
#include <openvino/op/transpose.hpp>
#include <openvino/op/unsqueeze.hpp>
#include <openvino/op/util/broadcast_base.hpp>
#include <openvino/op/util/gather_base.hpp>
#include <openvino/op/variadic_split.hpp>

namespace tracejet::openvino {

/// Whether the node is one of these operators.
template <class... Ops>
bool is_any(const ov::Node* node) {
  return (ov::is_type<Ops>(node) || ...);
}

/// Whether the result has whole elements of the operands in another arrangement, whether in memory of its own or
/// theirs.
inline bool moves_elements(const ov::Node* node) {
  return is_any<ov::op::v1::Reshape, ov::op::v0::Squeeze, ov::op::v0::Unsqueeze, ov::op::v1::Transpose,
                ov::op::v0::Concat, ov::op::v0::Tile, ov::op::v1::Split, ov::op::v1::VariadicSplit,
                ov::op::util::GatherBase, ov::op::util::BroadcastBase>(node);
}

/// The nodes that `is_source` says, and those that are of one of these by way of an operand that `passes` says. Each
/// node is looked at once, however many ways lead to it.
template <class IsSource, class Passes>
std::unordered_set<const ov::Node*> nodes_of(const ov::Model& model, const IsSource& is_source, const Passes& passes) {
  std::unordered_set<const ov::Node*> found;
  for (const auto& node : model.get_ordered_ops()) {
    const auto inputs = node->inputs();
    const bool is_of_source =
        is_source(node.get()) || std::ranges::any_of(inputs, [&](const ov::Input<ov::Node>& input) {
          return found.contains(input.get_source_output().get_node()) && passes(input);
        });
    if (is_of_source) found.insert(node.get());
  }
  return found;
}

inline bool may_be_empty(const ov::PartialShape& shape) {
  return shape.rank().is_dynamic() ||
         std::ranges::any_of(shape, [](const ov::Dimension& size) { return size.get_min_length() == 0; });
}

/// The numbers of a constant that is as small as scales and offsets are, which have one for each channel at most; none
/// of other nodes.
inline std::vector<double> numbers_of(const ov::Node* node) {
  constexpr size_t kRead = 4096;
  const auto* constant = ov::as_type<const ov::op::v0::Constant>(node);
  if (constant == nullptr || ov::shape_size(constant->get_shape()) > kRead) return {};
  return constant->cast_vector<double>();
}

}  // namespace tracejet::openvino
