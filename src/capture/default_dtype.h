#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

namespace tracejet {

class Tracer;

/// Writes into a call what PyTorch's default dtype means for it, where that isn't float32: a program must not depend on
/// the default of whoever runs it.
void spell_out_default_dtype(Tracer& tracer, const c10::OperatorHandle& op, torch::jit::Stack& stack);

}  // namespace tracejet
