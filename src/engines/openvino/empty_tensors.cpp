#include "engines/openvino/empty_tensors.h"

#include <memory>

#include <openvino/op/constant.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/result.hpp>

#include "engines/openvino/node_types.h"

namespace tracejet::openvino {

void fix_empty_tensors(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    if (is_any<ov::op::v0::Parameter, ov::op::v0::Constant, ov::op::v0::Result>(node.get())) continue;
    for (ov::Output<ov::Node> output : node->outputs()) {
      const ov::PartialShape& shape = output.get_partial_shape();
      if (shape.is_dynamic() || ov::shape_size(shape.to_shape()) != 0) continue;
      const auto none = std::make_shared<ov::op::v0::Constant>(output.get_element_type(), shape.to_shape());
      none->set_friendly_name(node->get_friendly_name());
      output.replace(none->output(0));
    }
  }
}

}  // namespace tracejet::openvino
