#pragma once

#include "ops/samples.h"

/// Sample calls that create tensors, named after the operator or its arguments.
namespace tracejet::samples {

Stacks arange();
Stacks arange_start();
Stacks arange_start_step();
Stacks copy();
Stacks empty();
Stacks empty_permuted();
Stacks empty_strided();
Stacks eye();
Stacks eye_m();
Stacks fill();
Stacks fill_tensor();
Stacks full();
Stacks full_like();
Stacks like();
Stacks linspace();
Stacks logspace();
Stacks linspace_tensors();
Stacks linspace_to_tensor();
Stacks linspace_from_tensor();
Stacks logspace_tensors();
Stacks logspace_to_tensor();
Stacks logspace_from_tensor();
Stacks new_empty_strided();
Stacks new_full();
Stacks new_sized();
Stacks refilled();
Stacks scalar_tensor();
Stacks sized();

}  // namespace tracejet::samples
