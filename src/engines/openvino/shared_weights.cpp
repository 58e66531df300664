#include "engines/openvino/shared_weights.h"

#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include <openvino/op/constant.hpp>
#include <openvino/op/convolution.hpp>
#include <openvino/op/group_conv.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/maximum.hpp>
#include <openvino/op/transpose.hpp>

#include "engines/openvino/fixed_values.h"
#include "engines/openvino/node_types.h"

namespace tracejet::openvino {

namespace {

bool is_kernel(const ov::Node* node) {
  return is_any<ov::op::v0::MatMul, ov::op::v1::Convolution, ov::op::v1::GroupConvolution,
                ov::op::v1::ConvolutionBackpropData, ov::op::v1::GroupConvolutionBackpropData>(node);
}

struct Reader {
  ov::Input<ov::Node> weight;
  bool is_turned;  ///< inputs come before outputs
};

Reader reader(const std::shared_ptr<ov::Node>& kernel) {
  const ov::Input<ov::Node> weight = kernel->input(1);
  if (const auto* product = ov::as_type<ov::op::v0::MatMul>(kernel.get())) return {weight, !product->get_transpose_b()};
  return {weight, is_any<ov::op::v1::ConvolutionBackpropData, ov::op::v1::GroupConvolutionBackpropData>(kernel.get())};
}

/// The constant that a fixed weight comes from, with what becomes of its order on the way.
const ov::op::v0::Constant* origin_of(Reader& reader) {
  const ov::Node* node = reader.weight.get_source_output().get_node();
  for (; node->get_input_size() > 0; node = node->get_input_node_ptr(0)) {
    if (ov::is_type<ov::op::v1::Transpose>(node)) reader.is_turned = !reader.is_turned;
  }
  return ov::as_type<const ov::op::v0::Constant>(node);
}

/// Whether somebody else reads the weight, in this form or an earlier one.
bool is_shared(const ov::Input<ov::Node>& weight) {
  ov::Output<ov::Node> source = weight.get_source_output();
  while (source.get_target_inputs().size() == 1 && moves_elements(source.get_node()))
    source = source.get_node()->input_value(0);
  return source.get_target_inputs().size() > 1;
}

/// The greater of a number and itself is another value for OpenVINO, NaN too.
void read_a_copy(ov::Input<ov::Node>& weight) {
  const ov::Output<ov::Node> shared = weight.get_source_output();
  const auto own = std::make_shared<ov::op::v1::Maximum>(shared, shared);
  own->set_friendly_name(weight.get_node()->get_friendly_name() + "/weight");
  weight.replace_source_output(own->output(0));
}

}  // namespace

void separate_shared_weights(ov::Model& model) {
  const auto kinds = fixed_nodes(model);
  std::map<const void*, std::vector<Reader>> readers;
  for (const auto& node : model.get_ordered_ops()) {
    if (!is_kernel(node.get())) continue;
    Reader each = reader(node);
    const bool has_groups = is_any<ov::op::v1::GroupConvolution, ov::op::v1::GroupConvolutionBackpropData>(node.get());
    if (!kinds.at(each.weight.get_source_output().get_node()).is_fixed) {
      if (has_groups && is_shared(each.weight)) read_a_copy(each.weight);
    } else if (const auto* origin = origin_of(each)) {
      readers[origin->get_data_ptr()].push_back(each);
    }
  }
  for (auto& [memory, all] : readers) {
    const bool is_turned = std::ranges::any_of(all, &Reader::is_turned);
    if (!is_turned || std::ranges::all_of(all, &Reader::is_turned)) continue;
    for (Reader& each : all) {
      if (each.is_turned) read_a_copy(each.weight);
    }
  }
}

}  // namespace tracejet::openvino
