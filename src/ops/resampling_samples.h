#pragma once

#include "ops/samples.h"

namespace tracejet::samples::resampling {

Stacks nearest1d_vec();
Stacks nearest2d_vec();
Stacks nearest3d_vec();
Stacks linear1d_vec();
Stacks linear2d_vec();
Stacks linear3d_vec();
Stacks nearest1d();
Stacks nearest2d();
Stacks nearest3d();
Stacks linear1d();
Stacks linear2d();
Stacks linear3d();
Stacks affine_grid();
Stacks grid_sampler();
Stacks grid_sampler_2d();
Stacks grid_sampler_3d();
Stacks constant_pad();
Stacks pad1d();
Stacks pad2d();
Stacks pad3d();
Stacks pad_circular();
Stacks pixel_shuffle();
Stacks pixel_unshuffle();
Stacks channel_shuffle();
Stacks im2col();
Stacks col2im();
Stacks embedding();
Stacks embedding_bag();
Stacks one_hot();

}  // namespace tracejet::samples::resampling
