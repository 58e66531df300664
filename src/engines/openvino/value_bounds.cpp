#include "engines/openvino/value_bounds.h"

#include <unordered_map>

#include <openvino/op/constant.hpp>
#include <openvino/op/divide.hpp>
#include <openvino/op/floor_mod.hpp>
#include <openvino/op/mod.hpp>
#include <openvino/op/power.hpp>
#include <openvino/op/shape_of.hpp>

#include "engines/openvino/node_types.h"
#include "engines/openvino/same_value.h"

namespace tracejet::openvino {

namespace {

bool are_bounds_wrong(const ov::Node* node) {
  return is_any<ov::op::v1::FloorMod, ov::op::v1::Mod, ov::op::v1::Divide, ov::op::v1::Power>(node);
}

}  // namespace

void forget_wrong_bounds(ov::Model& model) {
  std::unordered_map<const ov::Node*, bool> follows_from_sizes;
  for (const auto& node : model.get_ordered_ops()) {
    const bool is_size = is_any<ov::op::v0::ShapeOf, ov::op::v3::ShapeOf, ov::op::v0::Constant>(node.get());
    bool follows = is_size || node->get_input_size() > 0;
    for (const auto& input : node->input_values())
      follows = follows && (is_size || follows_from_sizes.at(input.get_node()));
    follows_from_sizes.emplace(node.get(), follows);
    if (!follows || !are_bounds_wrong(node.get())) continue;
    for (auto& input : node->inputs()) {
      if (ov::is_type<ov::op::v0::Constant>(input.get_source_output().get_node())) continue;
      input.replace_source_output(same_value(input.get_source_output())->output(0));
    }
  }
}

}  // namespace tracejet::openvino
