#pragma once

#include <vector>

#include <openvino/core/node.hpp>
#include <openvino/core/type.hpp>
#include <openvino/op/constant.hpp>

namespace tracejet::openvino {

/// Whether the node is one of these operators.
template <class... Ops>
bool is_any(const ov::Node* node) {
  return (ov::is_type<Ops>(node) || ...);
}

/// The numbers of a constant that is as small as scales and offsets are, which have one for each channel at most; none
/// of other nodes.
inline std::vector<double> numbers_of(const ov::Node* node) {
  constexpr size_t kRead = 4096;
  const auto* constant = ov::as_type<const ov::op::v0::Constant>(node);
  if (constant == nullptr || ov::shape_size(constant->get_shape()) > kRead) return {};
  return constant->cast_vector<double>();
}

}  // namespace tracejet::openvino
