#pragma once

#include "ops/samples.h"

namespace tracejet::samples::normalization {

Stacks batch_norm();
Stacks native_batch_norm();
Stacks batch_norm_no_stats();
Stacks batch_norm_no_training();
Stacks batch_norm_functional();
Stacks batch_norm_no_update();
Stacks batch_norm_with_update();
Stacks layer_norm();
Stacks group_norm();
Stacks instance_norm();
Stacks rms_norm();
Stacks weight_norm();

}  // namespace tracejet::samples::normalization
