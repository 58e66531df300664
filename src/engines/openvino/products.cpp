#include "engines/openvino/products.h"

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include <openvino/op/constant.hpp>
#include <openvino/op/gather.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/maximum.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/squeeze.hpp>
#include <openvino/op/unsqueeze.hpp>
#include <openvino/op/util/binary_elementwise_arithmetic.hpp>

#include "engines/openvino/fixed_values.h"
#include "engines/openvino/node_types.h"

namespace tracejet::openvino {

namespace {

/// Whether arithmetic repeats the value along an axis where it has one element.
bool is_broadcast_by(const ov::Node& user, const ov::Node& value) {
  if (!ov::is_type<ov::op::util::BinaryElementwiseArithmetic>(&user)) return false;
  const auto& from = value.get_output_partial_shape(0);
  const auto& to = user.get_output_partial_shape(0);
  if (from.rank().is_dynamic() || to.rank().is_dynamic()) return false;
  if (from.size() != to.size()) return true;
  const auto grows = [](const ov::Dimension& before, const ov::Dimension& after) {
    return before.get_min_length() <= 1 && before != after;
  };
  return !std::equal(from.begin(), from.end(), to.begin(), [&](const auto& a, const auto& b) { return !grows(a, b); });
}

/// Reshapes and factors become part of the product.
bool is_part_of_product(const ov::Node& user) {
  return is_any<ov::op::v1::Reshape, ov::op::v0::Squeeze, ov::op::v15::Squeeze, ov::op::v0::Unsqueeze,
                ov::op::v1::Multiply>(&user);
}

/// Whether a product, with what becomes part of it, is used several times, one of which broadcasts it. Two calls that
/// compute the same count as several: OpenVINO makes one of them first.
bool is_broadcast_beside_another_use(const ov::Node& product) {
  bool has_several_uses = false, is_broadcast = false;
  std::set<const ov::Node*> seen{&product};
  for (std::vector<const ov::Node*> pending{&product}; !pending.empty();) {
    const ov::Node& value = *pending.back();
    pending.pop_back();
    const auto uses = value.get_output_target_inputs(0);
    has_several_uses |= uses.size() > 1;
    for (const auto& use : uses) {
      const ov::Node* user = use.get_node();
      is_broadcast |= is_broadcast_by(*user, value);
      if (is_part_of_product(*user) && seen.insert(user).second) pending.push_back(user);
    }
  }
  return has_several_uses && is_broadcast;
}

/// The left factor with its elements in the order in which the product takes them.
void gather_left_factor(ov::op::v0::MatMul& product) {
  const ov::Shape from = product.get_input_shape(0);
  ov::Shape to = from;
  const size_t columns = from.back(), rows = from[from.size() - 2], matrix = rows * columns;
  if (product.get_transpose_a()) std::swap(to.back(), to[to.size() - 2]);
  std::vector<int64_t> places(ov::shape_size(to));
  for (size_t i = 0; i < places.size(); ++i) {
    const size_t within = i % matrix, turned = within % rows * columns + within / rows;
    places[i] = static_cast<int64_t>(i - within + (product.get_transpose_a() ? turned : within));
  }
  const auto number = [](int64_t value) { return ov::op::v0::Constant::create(ov::element::i64, {1}, {value}); };
  const auto flat = std::make_shared<ov::op::v1::Reshape>(product.input_value(0), number(-1), false);
  const auto indices = ov::op::v0::Constant::create(ov::element::i64, to, places);
  const auto axis = ov::op::v0::Constant::create(ov::element::i64, {}, {0});
  const auto factor = std::make_shared<ov::op::v8::Gather>(flat, indices, axis);
  flat->set_friendly_name(product.get_friendly_name() + "/flat");
  factor->set_friendly_name(product.get_friendly_name() + "/left");
  product.input(0).replace_source_output(factor->output(0));
  product.set_transpose_a(false);
}

}  // namespace

void gather_fixed_factors(ov::Model& model) {
  const auto kinds = fixed_nodes(model);
  for (const auto& node : model.get_ordered_ops()) {
    const Fixed& kind = kinds.at(node.get());
    auto* product = ov::as_type<ov::op::v0::MatMul>(node.get());
    if (product == nullptr || !kind.is_fixed || kind.is_folded) continue;
    if (product->get_input_partial_shape(0).size() > 1) gather_left_factor(*product);
  }
}

void separate_products(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    if (!ov::is_type<ov::op::v0::MatMul>(node) || !is_broadcast_beside_another_use(*node)) continue;
    const auto uses = node->get_output_target_inputs(0);
    // The greater of it and itself, NaN too: nothing is fused with a value that is used twice.
    const auto value = std::make_shared<ov::op::v1::Maximum>(node->output(0), node->output(0));
    value->set_friendly_name(node->get_friendly_name() + "/value");
    for (auto use : uses) use.replace_source_output(value->output(0));
  }
}

}  // namespace tracejet::openvino
