#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

#include "base/error.h"
#include "engines/aten/fusion/kernels.h"
#include "engines/recording/watched.h"

namespace tracejet::aten {

/// As kernels take numbers.
inline unsigned number(int64_t value) { return static_cast<unsigned>(value); }

/// `by_kernels(KernelCache&)`, or `by_pytorch()` where that gives nothing: kernels of our own take some tensors only,
/// and none where somebody watches what is called. Where they can't be compiled, it is said once what PyTorch's run for
/// them.
template <typename ByKernels, typename ByPyTorch>
at::Tensor by_kernels_or(const at::Tensor& input, const char* what, const ByKernels& by_kernels,
                         const ByPyTorch& by_pytorch) {
  const auto kernels = kernel_cache(input.device().type());
  if (kernels != nullptr && !recording::is_watched(input.device())) {
    try {
      if (std::optional<at::Tensor> result = by_kernels(*kernels)) return *std::move(result);
    } catch (const Error& error) {
      TORCH_WARN_ONCE(what, " by PyTorch's kernels: ", error.what());
    }
  }
  return by_pytorch();
}

}  // namespace tracejet::aten
