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
Stacks nll_loss2d();
Stacks layer_norm();
Stacks group_norm();
Stacks batch_norm();

// gather_backward_samples.cpp
Stacks diagonal();
Stacks select();
Stacks slice();
Stacks unfold();
Stacks embedding();
Stacks reflection_pad1d();
Stacks reflection_pad2d();
Stacks reflection_pad3d();
Stacks avg_pool2d();
Stacks adaptive_avg_pool2d();
Stacks max_pool2d();
Stacks upsample_nearest2d();
Stacks max_unpool2d();
Stacks max_unpool3d();

}  // namespace tracejet::samples::backward
