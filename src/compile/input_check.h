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

/// Throws InvalidInput where a call comes from where it can't be followed: within a transform of torch.func, while a
/// graph of it is recorded (`make_fx`, `torch.jit.trace`, FakeTensors), or on tensors with tangents. What an engine
/// computes isn't made of operators that these would see.
void check_caller(const std::vector<at::Tensor>& inputs);

/// The first call of the graph that gives the default dtype, in words; empty where none does. Programs are written for
/// float32: a trace under another default spells it out.
std::string call_of_default_dtype(const Graph& graph);

/// Throws InvalidInput.
[[noreturn]] void refuse_input(const std::string& input, const std::string& problem,
                               ErrorCode code = ErrorCode::kInputMismatch);

}  // namespace tracejet
