#include "engines/openvino/value_bounds.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include <openvino/core/graph_util.hpp>
#include <openvino/op/abs.hpp>
#include <openvino/op/add.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/divide.hpp>
#include <openvino/op/floor_mod.hpp>
#include <openvino/op/gather.hpp>
#include <openvino/op/less.hpp>
#include <openvino/op/maximum.hpp>
#include <openvino/op/minimum.hpp>
#include <openvino/op/mod.hpp>
#include <openvino/op/power.hpp>
#include <openvino/op/range.hpp>
#include <openvino/op/select.hpp>
#include <openvino/op/shape_of.hpp>
#include <openvino/op/slice.hpp>

#include "engines/openvino/node_types.h"
#include "engines/openvino/same_value.h"

namespace tracejet::openvino {

namespace {

bool are_bounds_wrong(const ov::Node* node) {
  return is_any<ov::op::v1::FloorMod, ov::op::v1::Mod, ov::op::v1::Divide, ov::op::v1::Power, ov::op::v0::Abs>(node);
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

using Constant = ov::op::v0::Constant;

std::shared_ptr<Constant> integer(int64_t value) { return Constant::create(ov::element::i64, {}, {value}); }

std::vector<int64_t> integers_of(const ov::Output<ov::Node>& value) {
  const auto* constant = ov::as_type<Constant>(value.get_node());
  return constant == nullptr ? std::vector<int64_t>{} : constant->cast_vector<int64_t>();
}

std::shared_ptr<ov::Node> element(const ov::Output<ov::Node>& values, const ov::Output<ov::Node>& index) {
  return std::make_shared<ov::op::v8::Gather>(values, index, integer(0));
}

/// Where a slice starts or ends, within an axis of `size` elements.
std::shared_ptr<ov::Node> within(const ov::Output<ov::Node>& position, const ov::Output<ov::Node>& size) {
  const auto from_end = std::make_shared<ov::op::v1::Add>(position, size);
  const auto is_negative = std::make_shared<ov::op::v1::Less>(position, integer(0));
  const auto from_first = std::make_shared<ov::op::v1::Select>(is_negative, from_end, position);
  const auto not_before = std::make_shared<ov::op::v1::Maximum>(from_first, integer(0));
  return std::make_shared<ov::op::v1::Minimum>(not_before, size);
}

bool is_taken_for_whole(const ov::op::v8::Slice& slice, int64_t axis) {
  const auto& before = slice.get_input_partial_shape(0)[axis];
  return before.is_dynamic() && before == slice.get_output_partial_shape(0)[axis];
}

/// The slice by indices along each of its axes, whose number OpenVINO doesn't know.
std::shared_ptr<ov::Node> gathered(const ov::op::v8::Slice& slice, const std::vector<int64_t>& axes,
                                   const std::vector<int64_t>& steps) {
  ov::Output<ov::Node> value = slice.input_value(0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto at = integer(static_cast<int64_t>(i)), axis = integer(axes[i]);
    const auto size = element(std::make_shared<ov::op::v3::ShapeOf>(value), axis);
    const auto start = within(element(slice.input_value(1), at), size);
    const auto stop = within(element(slice.input_value(2), at), size);
    // A range that ends before it starts has elements.
    const auto end = std::make_shared<ov::op::v1::Maximum>(start, stop);
    const auto indices = std::make_shared<ov::op::v4::Range>(start, end, integer(steps[i]), ov::element::i64);
    value = std::make_shared<ov::op::v8::Gather>(value, indices, axis);
  }
  return value.get_node_shared_ptr();
}

}  // namespace

void gather_slices_taken_for_whole(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    const auto* slice = ov::as_type<ov::op::v8::Slice>(node.get());
    if (slice == nullptr || slice->get_input_size() != 5) continue;
    const auto axes = integers_of(slice->input_value(4)), steps = integers_of(slice->input_value(3));
    // Backwards is from the last element to the first: that is whole.
    if (std::ranges::any_of(steps, [](int64_t step) { return step < 0; })) continue;
    if (std::ranges::none_of(axes, [&](int64_t axis) { return is_taken_for_whole(*slice, axis); })) continue;
    const auto value = gathered(*slice, axes, steps);
    value->set_friendly_name(node->get_friendly_name());
    ov::replace_node(node, value);
  }
}

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
