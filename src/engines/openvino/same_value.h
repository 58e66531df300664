#pragma once

#include <memory>

#include <openvino/core/node.hpp>

namespace tracejet::openvino {

/// The value itself, NaN too, by a node that OpenVINO fuses with nothing and infers no bounds of.
std::shared_ptr<ov::Node> same_value(const ov::Output<ov::Node>& value);

}  // namespace tracejet::openvino
