#include "engines/openvino/model.h"

#include <algorithm>
#include <map>

#include <openvino/op/constant.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/openvino.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "engines/openvino/absolute_values.h"
#include "engines/openvino/attention.h"
#include "engines/openvino/constant_chains.h"
#include "engines/openvino/divisions.h"
#include "engines/openvino/empty_tensors.h"
#include "engines/openvino/failure.h"
#include "engines/openvino/given_parts.h"
#include "engines/openvino/inferred_shapes.h"
#include "engines/openvino/products.h"
#include "engines/openvino/reductions.h"
#include "engines/openvino/reshapes.h"
#include "engines/openvino/scales.h"
#include "engines/openvino/shared_weights.h"
#include "engines/openvino/tensors.h"
#include "engines/openvino/transpositions.h"
#include "engines/openvino/updates.h"
#include "engines/openvino/value_bounds.h"
#include "ir/size_expression.h"
#include "tracejet/version.h"

namespace tracejet::openvino {

namespace {

ov::Dimension dimension(const symbolic::Expression& size) {
  const auto range = size.range();
  return {std::max<int64_t>(range.min, 0), range.max == symbolic::kInfinity ? -1 : range.max};
}

ov::PartialShape partial_shape(const TensorMeta& meta) {
  ov::PartialShape shape;
  for (const c10::SymInt& size : meta.sizes) shape.push_back(dimension(expression_of(size)));
  return shape;
}

/// The sizes of all inputs, as far as they are known.
std::map<std::string, ov::PartialShape> input_shapes(const Graph& graph, const RuntimeInputs& inputs,
                                                     const onnx::Model& model) {
  std::map<std::string, ov::PartialShape> shapes;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorMeta& meta = graph.inputs()[inputs[i]].value->tensor();
    if (model.inputs[i].is_used) shapes.emplace(model.inputs[i].name, partial_shape(meta));
  }
  for (const onnx::NumberInput& number : model.numbers) {
    if (number.is_shape) shapes.emplace(number.name, ov::PartialShape{dimension(number.value), 0});
  }
  return shapes;
}

/// A constant over the weight's own memory.
std::shared_ptr<ov::op::v0::Constant> constant_over(const onnx::NamedTensor& weight) {
  const auto keep_alive = std::make_shared<at::Tensor>(weight.data.contiguous());
  auto constant =
      std::make_shared<ov::op::v0::Constant>(element_type(weight.data.scalar_type()), shape_of(weight.data.sizes()),
                                             keep_alive->const_data_ptr(), std::static_pointer_cast<void>(keep_alive));
  constant->set_friendly_name(weight.name);
  return constant;
}

/// Turns the inputs that stand for weights into constants.
void bind_weights(ov::Model& model, const std::vector<onnx::NamedTensor>& weights) {
  for (const onnx::NamedTensor& weight : weights) {
    const auto input = model.input(weight.name);
    const auto parameter = std::dynamic_pointer_cast<ov::op::v0::Parameter>(input.get_node_shared_ptr());
    parameter->output(0).replace(constant_over(weight)->output(0));
    model.remove_parameter(parameter);
  }
}

bool is_fit(const onnx::NamedTensor& weight, const onnx::NamedTensor& by) {
  if (weight.name != by.name || weight.data.scalar_type() != by.data.scalar_type()) return false;
  if (weight.data.sizes() != by.data.sizes()) return false;
  return weight.data.is_floating_point() || weight.data.equal(by.data);
}

}  // namespace

ov::Core& core() {
  static ov::Core instance;
  return instance;
}

ov::AnyMap with(ov::AnyMap properties, const ov::AnyMap& besides) {
  properties.insert(besides.begin(), besides.end());
  return properties;
}

onnx::Target target() {
  return {.name = "openvino",
          .float64 = false,
          .float16 = false,
          .exact_remainders = false,
          .checks = true,
          .size_arithmetic = false,
          .keeps_nan = false,
          .sorts_stably = false,
          .subnormals = false,
          .tests_infinity = false,
          .pads_axes = false,
          .tiles_images = false,
          .gathers_slices = false,
          .batched_weights = false,
          .int64 = false,
          .exact_integers = false,
          .keeps_names = false};
}

namespace {

/// Of the model in bytes without its weights, and of whoever wrote it.
std::string identity_of_bytes(std::string_view model) {
  Hasher hasher;
  hasher.text(version());
  hasher.text(model);
  return hasher.hex();
}

}  // namespace

std::string identity_of(const onnx::Model& lowered) {
  return identity_of_bytes(lowered.serialize(onnx::WeightForm::kInputs));
}

std::shared_ptr<ov::Model> with_weights(const ov::Model& model, const std::vector<onnx::NamedTensor>& old_weights,
                                        const std::vector<onnx::NamedTensor>& new_weights) {
  if (!std::ranges::equal(old_weights, new_weights, is_fit)) return nullptr;
  std::map<std::string, const onnx::NamedTensor*> missing;
  for (const onnx::NamedTensor& weight : new_weights) missing.emplace(weight.name, &weight);
  auto copy = model.clone();
  for (const auto& node : copy->get_ordered_ops()) {
    const auto weight = missing.find(node->get_friendly_name());
    if (weight == missing.end() || !ov::is_type<ov::op::v0::Constant>(node)) continue;
    node->output(0).replace(constant_over(*weight->second)->output(0));
    missing.erase(weight);
  }
  return missing.empty() ? copy : nullptr;
}

Model read(const Graph& graph, const RuntimeInputs& inputs) {
  onnx::Lowering lowering(graph, inputs, target());
  lowering.run();
  if (!lowering.unsupported().empty()) return {{}, {}, nullptr, lowering.unsupported()};
  Model result{std::move(lowering).finish(), {}, nullptr, {}};
  try {
    const std::string bytes = result.onnx.serialize(onnx::WeightForm::kInputs);
    result.identity = identity_of_bytes(bytes);
    auto model = core().read_model(bytes, ov::Tensor());
    bind_weights(*model, result.onnx.weights);
    separate_shared_weights(*model);
    model->reshape(input_shapes(graph, inputs, result.onnx));
    result.refused = wrongly_inferred(*model, result.onnx, graph, inputs);
    if (!result.refused.empty()) return result;
    fix_empty_tensors(*model);
    separate_reductions(*model);
    take_rows_for_vectors(*model);
    separate_larger_scales(*model);
    gather_slices_taken_for_whole(*model);
    forget_wrong_bounds(*model);
    add_least_to_scores(*model);
    add_axes_behind_products(*model);
    say_moved_axes(*model);
    keep_gathered_axes(*model);
    keep_broadcasts_to_empty(*model);
    separate_images_of_one_channel(*model);
    take_sizes_at_their_word(*model);
    separate_products(*model);
    gather_fixed_factors(*model);
    update_no_inputs(*model);
    copy_given_parts(*model);
    separate_constants(*model);
    keep_exact_divisions(*model);
    result.model = std::move(model);
  } catch (const ov::Exception& error) {
    result.refused.push_back(FailureLocator(result.onnx).refusal(error.what()));
  }
  return result;
}

}  // namespace tracejet::openvino
