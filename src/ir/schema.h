#pragma once

#include <string>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/function_schema.h>

namespace tracejet {

/// "aten::add.Tensor"; "aten::relu" where the overload has no name.
inline std::string full_name(const c10::OperatorHandle& op) {
  const c10::OperatorName& name = op.operator_name();
  return name.overload_name.empty() ? name.name : name.name + "." + name.overload_name;
}

/// Whether the operator writes to this argument.
inline bool is_written(const c10::Argument& declared) {
  return declared.alias_info() != nullptr && declared.alias_info()->isWrite();
}

}  // namespace tracejet
