#pragma once

#include <optional>
#include <vector>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

namespace tracejet {

/// Whether an argument is declared as Tensor?[]. Kernels tell this list from Tensor[].
bool takes_optional_tensors(const c10::Argument& declared);

/// `tensors` as the list that `declared` takes. What is nullopt is None in a Tensor?[].
c10::IValue tensor_list(const c10::Argument& declared, const std::vector<std::optional<at::Tensor>>& tensors);

}  // namespace tracejet
