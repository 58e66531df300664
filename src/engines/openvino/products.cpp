#include "engines/openvino/products.h"

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include <openvino/op/matmul.hpp>
#include <openvino/op/maximum.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/squeeze.hpp>
#include <openvino/op/unsqueeze.hpp>
#include <openvino/op/util/binary_elementwise_arithmetic.hpp>

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

}  // namespace

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
