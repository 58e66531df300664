#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

namespace tracejet {

/// Whether an argument is declared as a number of any type (`Scalar`).
bool is_any_number(const c10::Argument& declared);

/// Throws Error where a number among the arguments is one that eager's kernel refuses, since a dtype doesn't hold it:
/// `clamp(max=1e6)` of float16. Meta kernels don't look, and other forms of the operator convert it. Of sizes it is
/// demanded that the dtype holds them.
void refuse_numbers_beyond_dtype(const c10::OperatorHandle& op, const torch::jit::Stack& stack);

}  // namespace tracejet
