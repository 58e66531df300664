#include "engines/openvino/value_bounds.h"

#include <algorithm>
#include <cstdint>
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

/// What a value follows from. Shapes that are known are folded like constants.
enum class Source : std::uint8_t { kConstants, kSizes, kData };

Source source_of(const ov::Node& node, const std::unordered_map<const ov::Node*, Source>& sources) {
  if (is_any<ov::op::v0::ShapeOf, ov::op::v3::ShapeOf>(&node)) {
    return node.get_input_partial_shape(0).is_static() ? Source::kConstants : Source::kSizes;
  }
  if (node.get_input_size() == 0) return ov::is_type<ov::op::v0::Constant>(&node) ? Source::kConstants : Source::kData;
  Source source = Source::kConstants;
  for (const auto& input : node.input_values()) source = std::max(source, sources.at(input.get_node()));
  return source;
}

}  // namespace

void forget_wrong_bounds(ov::Model& model) {
  std::unordered_map<const ov::Node*, Source> sources;
  for (const auto& node : model.get_ordered_ops()) {
    const Source source = sources.emplace(node.get(), source_of(*node, sources)).first->second;
    if (source != Source::kSizes || !are_bounds_wrong(node.get())) continue;
    for (auto& input : node->inputs()) {
      if (ov::is_type<ov::op::v0::Constant>(input.get_source_output().get_node())) continue;
      input.replace_source_output(same_value(input.get_source_output())->output(0));
    }
  }
}

}  // namespace tracejet::openvino
