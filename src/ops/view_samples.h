#pragma once

#include "ops/samples.h"

/// Sample calls for views and rearrangements, named after the operator or what it is given.
namespace tracejet::samples {

Stacks as_strided();
Stacks cat();
Stacks clone();
Stacks complex_tensors();
Stacks diag_embed();
Stacks diagonal();
Stacks diagonal_scatter();
Stacks expand();
Stacks expand_as();
Stacks flip();
Stacks layouts_only();
Stacks matrices();
Stacks narrow();
Stacks permute();
Stacks repeat();
Stacks flatten();
Stacks reshape();
Stacks reshape_alias();
Stacks roll();
Stacks rot90();
Stacks select();
Stacks slice();
Stacks split();
Stacks split_with_sizes();
Stacks split_into();
Stacks tensor_split();
Stacks two_tensors();
Stacks tensor_split_by_data();
Stacks squeeze_axes();
Stacks squeeze_axis();
Stacks resize_as();
Stacks stack();
Stacks chunk_cat();
Stacks block_diag();
Stacks to_copy();
Stacks transpose();
Stacks triangle();
Stacks unbind();
Stacks broadcast_tensors();
Stacks unfold();
Stacks unsqueeze();
Stacks unsafe_view();
Stacks view();
Stacks view_as_complex();
Stacks view_as_dtype();

}  // namespace tracejet::samples
