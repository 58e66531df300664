#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <ATen/core/operator_name.h>
#include <ATen/core/stack.h>

namespace tracejet::samples {

/// Arguments of calls that exercise an operator, with real CPU tensors; complete and in schema order.
struct OperatorSamples {
  std::string_view op;  ///< "aten::add.Tensor"
  std::vector<torch::jit::Stack> (*calls)();
};

/// Empty where an operator has none.
std::vector<torch::jit::Stack> samples_of(std::string_view op);
/// Every table, family by family, in a stable order.
std::span<const std::span<const OperatorSamples>> sample_tables();

}  // namespace tracejet::samples
