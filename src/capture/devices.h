#pragma once

#include <c10/core/Device.h>

#include "ir/call.h"

namespace tracejet {

/// The device as tensors report it: "cuda" becomes "cuda:0", the one that is current.
c10::Device with_index(c10::Device device);

/// Where a call's results live: the device it names, else that of its tensors. Throws ShapeError where these are on
/// several devices and the operator doesn't take that.
c10::Device device_of_results(const Call& call);

/// Lets code name CUDA devices in a process that has none, as far as a trace needs it. Stays so: without kernels,
/// nothing can be computed there all the same.
void allow_naming_cuda();

}  // namespace tracejet
