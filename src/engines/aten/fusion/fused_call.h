#pragma once

#include <memory>

#include "engines/aten/fusion/kernels.h"
#include "engines/engine.h"

namespace tracejet::aten {

/// What a fused node runs. The first call of a layout runs its operators one by one, while its kernel is compiled;
/// later ones call the kernel, and give results that lie as those of the first one. Where no kernel can be had, its
/// operators are run always.
///
/// `operators` runs the same graph call by call. `kernels`: null where there is no compiler for the device.
std::unique_ptr<Executable> make_fused_call(std::shared_ptr<const Graph> body,
                                            std::shared_ptr<const Executable> operators,
                                            std::shared_ptr<KernelCache> kernels);

}  // namespace tracejet::aten
