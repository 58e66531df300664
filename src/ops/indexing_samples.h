#pragma once

#include "ops/samples.h"

/// Sample calls for indexing, named after the operator.
namespace tracejet::samples {

Stacks bucketize();
Stacks gather();
Stacks index();
Stacks index_add();
Stacks index_copy();
Stacks index_fill();
Stacks index_fill_tensor();
Stacks index_put();
Stacks index_reduce();
Stacks put();
Stacks index_select();
Stacks combinations();
Stacks isin();
Stacks isin_number();
Stacks is_number_in();
Stacks masked_index();
Stacks masked_index_put();
Stacks masked_scatter();
Stacks scatter();
Stacks scatter_reduce();
Stacks scatter_value();
Stacks scatter_with_reduce();
Stacks searchsorted();
Stacks select_scatter();
Stacks slice_scatter();
Stacks nonzero_static();
Stacks take();
Stacks take_along_dim();

}  // namespace tracejet::samples
