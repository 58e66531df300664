#include "engines/openvino/given_parts.h"

#include <algorithm>

#include <openvino/op/concat.hpp>
#include <openvino/op/identity.hpp>
#include <openvino/op/result.hpp>

#include "engines/openvino/node_types.h"
#include "engines/openvino/same_value.h"

namespace tracejet::openvino {

namespace {

bool arranges(const ov::Node* node) { return moves_elements(node) || ov::is_type<ov::op::v16::Identity>(node); }

bool is_of_concatenation(const ov::Node* node) {
  if (ov::is_type<ov::op::v0::Concat>(node)) return true;
  return arranges(node) && is_of_concatenation(node->get_input_node_ptr(0));
}

/// Whether it gathers along an axis of size 1 or from a concatenation: OpenVINO may find that it takes all of a tensor.
bool may_take_all(const ov::Node* node) {
  const auto* gather = ov::as_type<const ov::op::util::GatherBase>(node);
  if (gather == nullptr) return false;
  const ov::PartialShape& shape = gather->get_input_partial_shape(0);
  const int64_t axis = gather->get_axis();
  return shape[static_cast<size_t>(axis < 0 ? axis + shape.rank().get_length() : axis)] == 1 ||
         is_of_concatenation(gather->get_input_node_ptr(0));
}

/// Whether it may be another tensor in another arrangement, which OpenVINO finds out.
bool may_be_another(const ov::Node* node) {
  if (may_take_all(node)) return true;
  if (!arranges(node)) return false;
  const size_t sources = ov::is_type<ov::op::v0::Concat>(node) ? node->get_input_size() : 1;
  for (size_t i = 0; i < sources; ++i) {
    if (may_be_another(node->get_input_node_ptr(i))) return true;
  }
  return false;
}

}  // namespace

void copy_given_parts(ov::Model& model) {
  for (const auto& result : model.get_results()) {
    const ov::Input<ov::Node> given = result->input(0);
    if (may_be_another(given.get_source_output().get_node()))
      given.replace_source_output(same_value(given.get_source_output())->output(0));
  }
}

}  // namespace tracejet::openvino
