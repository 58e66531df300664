#pragma once

#include "ops/samples.h"

namespace tracejet::samples::activation {

Stacks relu();
Stacks gelu();
Stacks unary();
Stacks bounds();
Stacks hardtanh();
Stacks elu();
Stacks one_number();
Stacks glu();
Stacks prelu_kernel();
Stacks rrelu();
Stacks softmax();
Stacks safe_softmax();
Stacks dropout();
Stacks native_dropout();
Stacks loss();
Stacks loss_with_width();
Stacks binary_cross_entropy();
Stacks binary_cross_entropy_with_logits();
Stacks multi_margin_loss();
Stacks multilabel_margin_loss();
Stacks nll_loss();
Stacks nll_loss2d();
Stacks ctc_loss();
Stacks ctc_loss_tensor();
Stacks ctc_loss_with_alignments();

}  // namespace tracejet::samples::activation
