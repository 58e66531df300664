#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "base/error.h"
#include "engines/runtime_sizes.h"
#include "ir/graph.h"

namespace tracejet {

/// Holds the tensors of a call against those that were traced, and gives what the symbols of the program are in it.
/// `user_inputs`: which inputs of the graph they are.
/// Throws InvalidInput, naming input and axis.
RuntimeSizes checked_sizes(const Graph& graph, const std::vector<size_t>& user_inputs,
                           const std::vector<at::Tensor>& inputs);

/// Throws InvalidInput.
[[noreturn]] void refuse_input(const std::string& input, const std::string& problem,
                               ErrorCode code = ErrorCode::kInputMismatch);

}  // namespace tracejet
