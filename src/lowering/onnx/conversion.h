#pragma once

#include <span>
#include <string_view>

#include <ATen/core/operator_name.h>

#include "ir/call.h"

namespace tracejet::onnx {

class Lowering;

/// How one operator overload becomes ONNX.
struct Conversion {
  std::string_view op;  ///< "aten::add.Tensor"
  void (*convert)(Lowering& to, const Call& call, std::string_view target);
  std::string_view target = {};  ///< the ONNX operator or variant, where a function serves several
};

/// Null where an operator has no conversion.
const Conversion* find_conversion(const c10::OperatorName& op);
/// Every table, family by family, in a stable order.
std::span<const std::span<const Conversion>> conversion_tables();

}  // namespace tracejet::onnx
