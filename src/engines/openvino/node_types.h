#pragma once

#include <openvino/core/node.hpp>
#include <openvino/core/type.hpp>

namespace tracejet::openvino {

/// Whether the node is one of these operators.
template <class... Ops>
bool is_any(const ov::Node* node) {
  return (ov::is_type<Ops>(node) || ...);
}

}  // namespace tracejet::openvino
