#pragma once

#include "ops/samples.h"

/// Sample calls for gradients.
namespace tracejet::samples::backward {

Stacks elu();
Stacks gelu();
Stacks glu();
Stacks one_number();
Stacks unary();
Stacks two_numbers();
Stacks slope();
Stacks log_sigmoid();
Stacks of_output();
Stacks prelu_kernel();
Stacks softmax();
Stacks log_softmax();
Stacks dropout();
Stacks loss_plain();
Stacks loss_with_width();
Stacks binary_cross_entropy();
Stacks nll_loss();
Stacks layer_norm();
Stacks group_norm();
Stacks batch_norm();

}  // namespace tracejet::samples::backward
