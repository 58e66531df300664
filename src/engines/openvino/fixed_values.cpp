#include "engines/openvino/fixed_values.h"

#include <utility>
#include <vector>

#include <openvino/op/constant.hpp>
#include <openvino/op/result.hpp>
#include <openvino/openvino.hpp>

#include "engines/openvino/model.h"

namespace tracejet::openvino {

namespace {

/// Those that change with the inputs and read `value`.
std::vector<ov::Input<ov::Node>> readers(const ov::Output<ov::Node>& value,
                                         const std::unordered_map<const ov::Node*, Fixed>& kinds) {
  std::vector<ov::Input<ov::Node>> found;
  for (const ov::Input<ov::Node>& use : value.get_target_inputs()) {
    const ov::Node* user = use.get_node();
    if (!ov::is_type<ov::op::v0::Result>(user) && !kinds.at(user).is_fixed) found.push_back(use);
  }
  return found;
}

bool may_be_empty(const ov::Output<ov::Node>& value) {
  const ov::PartialShape& shape = value.get_partial_shape();
  return shape.is_dynamic() || ov::shape_size(shape.to_shape()) == 0;
}

struct FixedValue {
  ov::Output<ov::Node> value;
  std::vector<ov::Input<ov::Node>> readers;
};

std::vector<FixedValue> fixed_values(const ov::Model& model) {
  const auto kinds = fixed_nodes(model);
  std::vector<FixedValue> found;
  for (const auto& node : model.get_ordered_ops()) {
    const Fixed& kind = kinds.at(node.get());
    if (!kind.is_fixed || kind.is_folded) continue;
    for (const auto& output : node->outputs()) {
      if (may_be_empty(output)) continue;
      auto uses = readers(output, kinds);
      if (!uses.empty()) found.push_back({output, std::move(uses)});
    }
  }
  return found;
}

}  // namespace

std::unordered_map<const ov::Node*, Fixed> fixed_nodes(const ov::Model& model) {
  std::unordered_map<const ov::Node*, Fixed> kinds;
  for (const auto& node : model.get_ordered_ops()) {
    const bool is_constant = ov::is_type<ov::op::v0::Constant>(node);
    Fixed kind{is_constant || node->get_input_size() > 0, is_constant || node->has_evaluate()};
    for (const auto& input : node->input_values()) {
      const Fixed& operand = kinds.at(input.get_node());
      kind = {kind.is_fixed && operand.is_fixed, kind.is_folded && operand.is_folded};
    }
    kinds.emplace(node.get(), kind);
  }
  return kinds;
}

std::shared_ptr<ov::Model> with_fixed_values(const std::shared_ptr<ov::Model>& model) {
  if (fixed_values(*model).empty()) return model;
  auto folded = model->clone();
  const auto fixed = fixed_values(*folded);
  ov::OutputVector values;
  for (const FixedValue& each : fixed) values.push_back(each.value);
  const ov::AnyMap properties{ov::hint::inference_precision(ov::element::f32), ov::num_streams(0)};
  const auto alone = std::make_shared<ov::Model>(values, ov::ParameterVector{});
  ov::InferRequest request = core().compile_model(alone, "CPU", properties).create_infer_request();
  request.infer();
  for (size_t i = 0; i < fixed.size(); ++i) {
    const auto value = std::make_shared<ov::op::v0::Constant>(request.get_output_tensor(i));
    value->set_friendly_name(fixed[i].value.get_node()->get_friendly_name() + "/fixed");
    for (ov::Input<ov::Node> reader : fixed[i].readers) reader.replace_source_output(value->output(0));
  }
  return folded;
}

}  // namespace tracejet::openvino
