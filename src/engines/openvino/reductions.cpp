#include "engines/openvino/reductions.h"

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <vector>

#include <openvino/op/constant.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/op/prelu.hpp>
#include <openvino/op/reduce_mean.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/result.hpp>
#include <openvino/op/squeeze.hpp>
#include <openvino/op/transpose.hpp>
#include <openvino/op/unsqueeze.hpp>
#include <openvino/op/util/arithmetic_reductions_keep_dims.hpp>
#include <openvino/op/util/binary_elementwise_arithmetic.hpp>
#include <openvino/op/util/reduction_base.hpp>

#include "engines/openvino/node_types.h"
#include "engines/openvino/same_value.h"

namespace tracejet::openvino {

namespace {

bool is_reshape(const ov::Node* node) {
  return is_any<ov::op::v1::Reshape, ov::op::v0::Squeeze, ov::op::v15::Squeeze, ov::op::v0::Unsqueeze,
                ov::op::v1::Transpose>(node);
}

class Separation {
 public:
  /// Whether a reduction is computed by the kernel, or by what OpenVINO rewrites it to, that confuses channels.
  bool is_needed(const ov::Node& reduction) {
    const auto rank = reduction.get_input_partial_shape(0).rank();
    if (rank.is_dynamic() || rank.get_length() < 2) return false;
    if (reduction.get_output_element_type(0).is_integral_number()) return true;
    // Reshapes are moved past reductions, so that any rank may become three.
    return (rank == 3 || is_reshape(reduction.get_input_node_ptr(0))) && meets_channels(reduction);
  }

 private:
  /// Whether numbers that differ by channel are applied to the value, as far as such steps become one with it.
  bool meets_channels(const ov::Node& value) {
    return std::ranges::any_of(value.get_output_target_inputs(0), [&](const ov::Input<ov::Node>& use) {
      const ov::Node* user = use.get_node();
      if (is_reshape(user)) return meets_channels(*user);
      bool has_channels = false;
      for (const auto& input : user->inputs()) {
        if (input.get_index() == use.get_index()) continue;
        if (!is_constant(*input.get_source_output().get_node())) return false;
        has_channels |= input.get_partial_shape().is_dynamic() || ov::shape_size(input.get_shape()) > 1;
      }
      if (!has_channels) return user->get_output_size() == 1 && meets_channels(*user);
      return is_any<ov::op::util::BinaryElementwiseArithmetic, ov::op::v0::PRelu, ov::op::v0::FakeQuantize>(user);
    });
  }

  bool is_constant(const ov::Node& node) {
    const auto [found, is_new] = is_constant_.try_emplace(&node, ov::is_type<ov::op::v0::Constant>(&node));
    if (!is_new || found->second || node.get_input_size() == 0) return found->second;
    bool result = true;
    for (const auto& input : node.inputs()) result = result && is_constant(*input.get_source_output().get_node());
    return is_constant_[&node] = result;
  }

  std::unordered_map<const ov::Node*, bool> is_constant_;
};

/// Whether OpenVINO would put an axis of size 1 into another place: one that a reshape adds behind a kept one.
bool moves_axes(const ov::op::util::ArithmeticReductionKeepDims& reduction) {
  if (!reduction.get_keep_dims() || !reduction.reduction_axes_constant()) return false;
  const auto& shape = reduction.get_input_partial_shape(0);
  if (!is_reshape(reduction.get_input_node_ptr(0)) || shape.rank().is_dynamic()) return false;
  const ov::AxisSet axes = reduction.get_reduction_axes();
  if (axes.empty()) return false;
  return std::any_of(shape.begin() + static_cast<int64_t>(*axes.begin()) + 1, shape.end(),
                     [](const ov::Dimension& size) { return size == 1; });
}

/// Keeps the axes by a step of its own.
void unsqueeze_result(ov::op::util::ArithmeticReductionKeepDims& reduction) {
  const auto uses = reduction.get_output_target_inputs(0);
  const ov::AxisSet axes = reduction.get_reduction_axes();
  reduction.set_keep_dims(false);
  reduction.validate_and_infer_types();
  const auto added = ov::op::v0::Constant::create(ov::element::i64, {axes.size()}, axes.to_vector());
  const auto result = std::make_shared<ov::op::v0::Unsqueeze>(reduction.output(0), added);
  result->set_friendly_name(reduction.get_friendly_name() + "/kept");
  result->output(0).set_names(reduction.output(0).get_names());
  reduction.output(0).set_names({});
  for (auto use : uses) use.replace_source_output(result->output(0));
}

/// Whether OpenVINO would leave out a reshape behind the reduction, of which it takes the axes for those of the result.
/// A transposition before the reduction is moved behind it.
bool loses_reshape(const ov::op::util::ArithmeticReductionKeepDims& reduction) {
  if (reduction.get_keep_dims() || !reduction.reduction_axes_constant()) return false;
  const auto rank = reduction.get_output_partial_shape(0).rank();
  if (rank.is_dynamic() || rank.get_length() < 2) return false;
  if (ov::is_type<ov::op::v1::Transpose>(reduction.get_input_node_ptr(0))) return true;
  return std::ranges::any_of(reduction.get_output_target_inputs(0),
                             [](const ov::Input<ov::Node>& use) { return is_reshape(use.get_node()); });
}

/// Removes the axes by a step of its own.
void squeeze_result(ov::op::util::ArithmeticReductionKeepDims& reduction) {
  const auto uses = reduction.get_output_target_inputs(0);
  const ov::AxisSet axes = reduction.get_reduction_axes();
  reduction.set_keep_dims(true);
  if (moves_axes(reduction)) reduction.input(0).replace_source_output(same_value(reduction.input_value(0))->output(0));
  reduction.validate_and_infer_types();
  const auto removed = ov::op::v0::Constant::create(ov::element::i64, {axes.size()}, axes.to_vector());
  const auto result = std::make_shared<ov::op::v0::Squeeze>(reduction.output(0), removed);
  result->set_friendly_name(reduction.get_friendly_name() + "/removed");
  result->output(0).set_names(reduction.output(0).get_names());
  reduction.output(0).set_names({});
  for (auto use : uses) use.replace_source_output(result->output(0));
}

/// Whether it is the mean of each channel over a batch of images. What lies there from the call before is added to it
/// where a pool gave the images, in blocks of channels.
bool adds_to_last_mean(const ov::op::v1::ReduceMean& mean) {
  return mean.reduction_axes_constant() && mean.get_input_partial_shape(0).rank() == 4 &&
         mean.get_reduction_axes() == ov::AxisSet{0, 2, 3};
}

/// Takes the images for volumes, for which there is another kernel.
void reduce_volumes(ov::op::v1::ReduceMean& mean) {
  const auto axes_of = [](const std::vector<int64_t>& axes) {
    return ov::op::v0::Constant::create(ov::element::i64, {axes.size()}, axes);
  };
  const auto volumes = std::make_shared<ov::op::v0::Unsqueeze>(mean.input_value(0), axes_of({2}));
  std::shared_ptr<ov::Node> result = std::make_shared<ov::op::v1::ReduceMean>(volumes, axes_of({0, 2, 3, 4}), false);
  if (mean.get_keep_dims()) {
    result->set_friendly_name(mean.get_friendly_name() + "/reduced");
    result = std::make_shared<ov::op::v0::Unsqueeze>(result, axes_of({0, 2, 3}));
  }
  volumes->set_friendly_name(mean.get_friendly_name() + "/volumes");
  result->set_friendly_name(mean.get_friendly_name());
  mean.output(0).replace(result->output(0));
}

}  // namespace

void separate_reductions(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    auto* mean = ov::as_type<ov::op::v1::ReduceMean>(node.get());
    if (mean != nullptr && adds_to_last_mean(*mean)) reduce_volumes(*mean);
  }
  Separation separation;
  for (const auto& node : model.get_ordered_ops()) {
    if (!ov::is_type<ov::op::util::ReductionBase>(node.get())) continue;
    const bool is_separate = separation.is_needed(*node);
    auto* kept = ov::as_type<ov::op::util::ArithmeticReductionKeepDims>(node.get());
    if (kept != nullptr && moves_axes(*kept)) {
      unsqueeze_result(*kept);
    } else if (kept != nullptr && loses_reshape(*kept)) {
      squeeze_result(*kept);
    }
    if (!is_separate) continue;
    const auto uses = node->get_output_target_inputs(0);
    const auto value = same_value(node->output(0));
    value->set_friendly_name(node->get_friendly_name() + "/value");
    for (auto use : uses) {
      if (!ov::is_type<ov::op::v0::Result>(use.get_node())) use.replace_source_output(value->output(0));
    }
  }
}

}  // namespace tracejet::openvino
