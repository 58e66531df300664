#pragma once

#include <ATen/core/Tensor.h>

#include "capture/frontend_hooks.h"
#include "ir/tensor_meta.h"

namespace tracejet {

/// Whether a tensor stands for a value already, or is one that unwraps itself further down.
bool needs_no_lift(const at::Tensor& tensor);

/// Throws UnsupportedOperator where a tensor of the model is none that a program can have: it wraps others, or is
/// sparse, nested or quantized.
void check_can_lift(const at::Tensor& tensor, const FrontendHooks& hooks);

TensorMeta meta_of_real(const at::Tensor& tensor);

}  // namespace tracejet
