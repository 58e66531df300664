#include "engines/openvino/divisions.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include <openvino/op/abs.hpp>
#include <openvino/op/ceiling.hpp>
#include <openvino/op/clamp.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/divide.hpp>
#include <openvino/op/floor.hpp>
#include <openvino/op/floor_mod.hpp>
#include <openvino/op/identity.hpp>
#include <openvino/op/mod.hpp>
#include <openvino/op/negative.hpp>
#include <openvino/op/pad.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/power.hpp>
#include <openvino/op/reduce_max.hpp>
#include <openvino/op/reduce_min.hpp>
#include <openvino/op/relu.hpp>
#include <openvino/op/result.hpp>
#include <openvino/op/round.hpp>
#include <openvino/op/select.hpp>
#include <openvino/op/sign.hpp>
#include <openvino/op/slice.hpp>
#include <openvino/op/sqrt.hpp>
#include <openvino/op/strided_slice.hpp>
#include <openvino/op/util/binary_elementwise_arithmetic.hpp>
#include <openvino/op/util/binary_elementwise_comparison.hpp>
#include <openvino/op/util/scatter_base.hpp>
#include <openvino/op/util/scatter_elements_update_base.hpp>
#include <openvino/op/util/scatter_nd_base.hpp>
#include <openvino/op/util/topk_base.hpp>

#include "base/power_of_two.h"
#include "engines/openvino/node_types.h"
#include "engines/openvino/same_value.h"

namespace tracejet::openvino {

namespace {

/// A reciprocal that is exact: the product with it is the quotient.
bool divides_by_powers_of_two(const ov::Node& division) {
  const auto divisors = numbers_of(division.get_input_node_ptr(1));
  return !divisors.empty() && std::ranges::all_of(divisors, is_power_of_two);
}

/// As attention looks for masked scores: the last bit makes nothing infinite.
bool looks_for_infinity(const ov::Node* node) {
  if (!ov::is_type<ov::op::util::BinaryElementwiseComparison>(node)) return false;
  const auto bounds = numbers_of(node->get_input_node_ptr(1));
  return !bounds.empty() && std::ranges::all_of(bounds, [](double x) { return std::isinf(x); });
}

/// Those whose result jumps where the last bit of an operand changes. Of what is given, nobody here knows what becomes:
/// the model may be a part of a program.
bool is_sharp(const ov::Node* node) {
  if (looks_for_infinity(node)) return false;
  const bool cuts = ov::is_type<ov::op::v0::Convert>(node) && !node->get_output_element_type(0).is_real();
  return cuts || is_any<ov::op::v0::Result, ov::op::v0::Floor, ov::op::v0::Ceiling, ov::op::v5::Round, ov::op::v0::Sign,
                        ov::op::v1::Mod, ov::op::v1::FloorMod, ov::op::util::TopKBase,
                        ov::op::util::BinaryElementwiseComparison>(node);
}

/// Those that may hand on what is exact: arithmetic, and what only picks and moves.
bool hands_on(const ov::Node* node) {
  return is_any<ov::op::util::BinaryElementwiseArithmetic, ov::op::v0::Abs, ov::op::v0::Negative, ov::op::v0::Sqrt,
                ov::op::v0::Relu, ov::op::v0::Clamp, ov::op::v1::Select, ov::op::v0::Convert, ov::op::v16::Identity>(
             node) ||
         moves_elements(node) || is_any<ov::op::v8::Slice, ov::op::v1::StridedSlice, ov::op::util::PadBase>(node) ||
         is_any<ov::op::util::ScatterBase, ov::op::util::ScatterElementsUpdateBase, ov::op::util::ScatterNDBase,
                ov::op::v1::ReduceMax, ov::op::v1::ReduceMin>(node);
}

/// A kept division must not be fused with what computes an operand: a reduction over several axes reads a constant
/// divisor beyond its end, and whatever computes the divisor takes a constant dividend for the divisor.
void keep_apart(const ov::Input<ov::Node>& operand) {
  const ov::Output<ov::Node> source = operand.get_source_output();
  if (is_any<ov::op::v0::Constant, ov::op::v0::Parameter>(source.get_node())) return;
  operand.replace_source_output(same_value(source)->output(0));
}

}  // namespace

void keep_exact_divisions(ov::Model& model) {
  // Of the nodes with a sharp one behind them, back to front.
  std::unordered_set<const ov::Node*> before_sharp;
  const auto nodes = model.get_ordered_ops();
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    const bool is_before = std::ranges::any_of((*node)->outputs(), [&](const ov::Output<ov::Node>& output) {
      return std::ranges::any_of(output.get_target_inputs(), [&](const ov::Input<ov::Node>& use) {
        const ov::Node* user = use.get_node();
        return is_sharp(user) || (hands_on(user) && before_sharp.contains(user));
      });
    });
    if (!is_before) continue;
    before_sharp.insert(node->get());
    if (!ov::is_type<ov::op::v1::Divide>(*node) || divides_by_powers_of_two(**node)) continue;
    // The mark is OpenVINO's own for this; only its header isn't installed.
    (*node)->get_rt_info()["nonconvertable_divide_0"] = true;
    for (const ov::Input<ov::Node>& operand : (*node)->inputs()) keep_apart(operand);
  }
}

}  // namespace tracejet::openvino
