#include "engines/openvino/absolute_values.h"

#include <openvino/op/abs.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/squeeze.hpp>
#include <openvino/op/unsqueeze.hpp>

namespace tracejet::openvino {

void take_rows_for_vectors(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    if (!ov::is_type<ov::op::v0::Abs>(node) || node->get_output_partial_shape(0).rank() != ov::Rank(1)) continue;
    const auto first = ov::op::v0::Constant::create(ov::element::i64, ov::Shape{1}, {0});
    const auto users = node->output(0).get_target_inputs();
    node->input(0).replace_source_output(std::make_shared<ov::op::v0::Unsqueeze>(node->input_value(0), first));
    node->validate_and_infer_types();
    const auto vector = std::make_shared<ov::op::v0::Squeeze>(node, first);
    vector->output(0).set_names(node->output(0).get_names());
    node->output(0).set_names({});
    for (ov::Input<ov::Node> use : users) use.replace_source_output(vector);
  }
}

}  // namespace tracejet::openvino
