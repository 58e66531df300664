#pragma once

#include "ops/samples.h"

/// Sample calls for reductions, named after their arguments.
namespace tracejet::samples {

Stacks all_of_them();
Stacks axes();
Stacks axis();
Stacks count_nonzero();
Stacks count_nonzero_axes();
Stacks kthvalue();
Stacks dist();
Stacks histc();
Stacks histogram_of_bins();
Stacks histogram_of_edges();
Stacks logsumexp();
Stacks mean();
Stacks mean_of_all();
Stacks norm();
Stacks norm_of_all();
Stacks norm_of_all_to_dtype();
Stacks norm_to_dtype();
Stacks optional_axis();
Stacks product();
Stacks renorm();
Stacks running();
Stacks running_sum();
Stacks sort();
Stacks stable_sort();
Stacks hash();
Stacks sum();
Stacks sum_of_all();
Stacks topk();
Stacks truth();
Stacks truth_axes();
Stacks truth_of_all();
Stacks variance();
Stacks vector_norm();

}  // namespace tracejet::samples
