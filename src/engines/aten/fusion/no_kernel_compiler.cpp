// In the place of cuda/kernel_compiler.cpp where this PyTorch has no CUDA.
#include "engines/aten/fusion/kernels.h"

namespace tracejet::aten {

std::shared_ptr<const KernelCompiler> kernel_compiler(c10::DeviceType) { return nullptr; }

}  // namespace tracejet::aten
