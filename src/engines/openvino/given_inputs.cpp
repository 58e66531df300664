#include "engines/openvino/given_inputs.h"

#include <algorithm>

#include <openvino/op/identity.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/result.hpp>

#include "engines/openvino/node_types.h"
#include "engines/openvino/same_value.h"

namespace tracejet::openvino {

namespace {

/// Whether it may be an input in another arrangement, with one of these operators on the way.
bool is_of_input(const ov::Node* node, bool has_gather, bool has_concat) {
  if (ov::is_type<ov::op::v0::Parameter>(node)) return has_gather && has_concat;
  if (!moves_elements(node) && !ov::is_type<ov::op::v16::Identity>(node)) return false;
  has_gather = has_gather || ov::is_type<ov::op::util::GatherBase>(node);
  has_concat = has_concat || ov::is_type<ov::op::v0::Concat>(node);
  const size_t sources = ov::is_type<ov::op::v0::Concat>(node) ? node->get_input_size() : 1;
  for (size_t i = 0; i < sources; ++i) {
    if (is_of_input(node->get_input_node_ptr(i), has_gather, has_concat)) return true;
  }
  return false;
}

}  // namespace

void copy_given_inputs(ov::Model& model) {
  for (const auto& result : model.get_results()) {
    const ov::Input<ov::Node> given = result->input(0);
    if (is_of_input(given.get_source_output().get_node(), false, false))
      given.replace_source_output(same_value(given.get_source_output())->output(0));
  }
}

}  // namespace tracejet::openvino
