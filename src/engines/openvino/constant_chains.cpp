#include "engines/openvino/constant_chains.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include <openvino/op/add.hpp>
#include <openvino/op/divide.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/subtract.hpp>

#include "engines/openvino/node_types.h"
#include "engines/openvino/same_value.h"

namespace tracejet::openvino {

namespace {

/// What a node adds to its operand, or multiplies it with: the extremes of a constant's elements.
struct Step {
  size_t operand;
  bool is_sum;
  double least, most;
  bool negates = false;   ///< it is c - x
  bool is_finite = true;  ///< all elements are

  double size() const { return std::max(std::abs(least), std::abs(most)); }
};

std::optional<Step> step_of(const ov::Node& node) {
  const bool is_sum = is_any<ov::op::v1::Add, ov::op::v1::Subtract>(&node);
  if (!is_sum && !is_any<ov::op::v1::Multiply, ov::op::v1::Divide>(&node)) return std::nullopt;
  if (!node.get_output_element_type(0).is_real()) return std::nullopt;
  for (const size_t place : {size_t{1}, size_t{0}}) {
    const auto values = numbers_of(node.get_input_node_ptr(place));
    if (values.empty()) continue;
    const auto [least, most] = std::ranges::minmax(values);
    if (!std::ranges::all_of(values, [](double value) { return std::isfinite(value); })) {
      return Step{1 - place, is_sum, least, most, false, false};
    }
    if (ov::is_type<ov::op::v1::Subtract>(&node) && place == 1) return Step{0, true, -most, -least};
    if (ov::is_type<ov::op::v1::Divide>(&node)) {
      if (place == 0) return std::nullopt;
      return Step{0, false, 1 / most, 1 / least};
    }
    return Step{1 - place, is_sum, least, most, ov::is_type<ov::op::v1::Subtract>(&node)};
  }
  return std::nullopt;
}

/// Whether the two constants cancel, half of the larger one or more.
bool cancel(const Step& a, const Step& b) {
  const auto are_opposite = [](double x, double y) { return x * y < 0 && std::abs(x + y) < std::abs(x) / 2; };
  if (b.negates) return are_opposite(-a.least, b.least) || are_opposite(-a.most, b.most);
  return are_opposite(a.least, b.most) || are_opposite(a.most, b.least);
}

/// Whether so large a number is added that what it is added to is rounded much.
bool rounds(const Step& sum) { return sum.size() > 0x1p20; }

/// Whether one constant would be rounded to the places of the other one: x - 100 + 1e-6 isn't 0 where x is 100.
bool absorb(const Step& a, const Step& b) {
  const auto [smaller, larger] = std::minmax({a.size(), b.size()});
  return smaller != 0 && larger > 0x1p10 * smaller;
}

/// Whether the step alone may leave the range of float32, and another one come back into it.
bool is_far(const Step& step) {
  const auto is_far = [](double x) { return x != 0 && std::abs(std::log2(std::abs(x))) > 32; };
  return is_far(step.least) || is_far(step.most);
}

bool must_stay_apart(const Step& a, const Step& b) {
  if (!a.is_finite || !b.is_finite) return true;
  if (a.is_sum && b.is_sum) return cancel(a, b) || absorb(a, b);
  if (a.is_sum || b.is_sum) return a.is_sum && rounds(a);  // (x + c) * d becomes x * d + c * d
  return is_far(a) || is_far(b);
}

}  // namespace

void separate_constants(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    const auto step = step_of(*node);
    if (!step) continue;
    const auto value = node->input_value(step->operand);
    const auto before = step_of(*value.get_node());
    const bool scales_far = !step->is_sum && (!step->is_finite || is_far(*step));
    if (scales_far || (before && must_stay_apart(*before, *step))) {
      node->input(step->operand).replace_source_output(same_value(value)->output(0));
    }
  }
}

}  // namespace tracejet::openvino
