#include "engines/openvino/same_value.h"

#include <openvino/op/bitwise_and.hpp>
#include <openvino/op/maximum.hpp>

namespace tracejet::openvino {

std::shared_ptr<ov::Node> same_value(const ov::Output<ov::Node>& value) {
  if (value.get_element_type().is_integral()) return std::make_shared<ov::op::v13::BitwiseAnd>(value, value);
  return std::make_shared<ov::op::v1::Maximum>(value, value);
}

}  // namespace tracejet::openvino
