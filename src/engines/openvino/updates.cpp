#include "engines/openvino/updates.h"

#include <algorithm>

#include <openvino/op/convert.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/util/scatter_base.hpp>
#include <openvino/op/util/scatter_elements_update_base.hpp>
#include <openvino/op/util/scatter_nd_base.hpp>

#include "engines/openvino/node_types.h"
#include "engines/openvino/same_value.h"

namespace tracejet::openvino {

namespace {

/// Those whose result may be their first operand's memory.
bool may_be_view(const ov::Node* node) { return moves_elements(node) || ov::is_type<ov::op::v0::Convert>(node); }

bool is_input_in_another_shape(const ov::Node* node) {
  if (!may_be_view(node)) return false;
  while (may_be_view(node)) node = node->get_input_node_ptr(0);
  return ov::is_type<ov::op::v0::Parameter>(node);
}

bool is_ever_empty(const ov::PartialShape& shape) {
  return shape.rank().is_dynamic() ||
         std::ranges::any_of(shape, [](const ov::Dimension& size) { return size.get_min_length() == 0; });
}

}  // namespace

void update_no_inputs(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    const bool updates =
        is_any<ov::op::util::ScatterBase, ov::op::util::ScatterElementsUpdateBase, ov::op::util::ScatterNDBase>(
            node.get());
    if (!updates || !is_ever_empty(node->get_input_partial_shape(0))) continue;
    if (is_input_in_another_shape(node->get_input_node_ptr(0))) {
      node->input(0).replace_source_output(same_value(node->input_value(0))->output(0));
    }
  }
}

}  // namespace tracejet::openvino
