#pragma once

#include <vector>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

namespace tracejet::torchscript {

/// What a method is called with: each argument of the type that it declares (an integer where it takes a float, the
/// lists of whatever made them), without the module itself. What has a default may be left out. Throws InvalidInput
/// where something else is given than it takes.
std::vector<c10::IValue> as_declared(const c10::FunctionSchema& schema, std::vector<c10::IValue> arguments);

}  // namespace tracejet::torchscript
