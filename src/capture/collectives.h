#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

namespace tracejet {

/// Whether an operator is one of torch.distributed's that a program can't have as it is: it writes to its arguments
/// (`dist.all_reduce`), or wraps what it gives until somebody asks for it.
bool is_collective(const c10::OperatorHandle& op);

/// Does such a call by functional collectives (`_c10d_functional::all_reduce`), whose results it then writes where the
/// call would have. For the upper hook.
/// Throws UnsupportedOperator for communication that has no functional form: between two processes, and barriers.
void call_collective(const c10::OperatorHandle& op, torch::jit::Stack& stack);

}  // namespace tracejet
