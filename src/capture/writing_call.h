#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include "capture/tracer.h"

namespace tracejet {

/// Records a call of a custom operator that writes to its arguments, and writes what it computes to them: ATen's
/// functionalization knows only its own operators. For the upper hook: the arguments are functional tensors.
void record_writing_call(Tracer& tracer, const c10::OperatorHandle& op, torch::jit::Stack& stack);

}  // namespace tracejet
