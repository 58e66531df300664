#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

namespace tracejet {

/// Throws UnsupportedOperator where an operator makes tensors that no program can hold: sparse, nested, quantized ones.
/// Says what they are and what to do; for operators that have no shape rule.
void check_makes_dense(const c10::OperatorHandle& op);

}  // namespace tracejet
