#include "engines/aten/fusion/kernels.h"

namespace tracejet::aten {

FutureKernel KernelCache::compiled(const std::string& text, c10::Device device) {
  const std::scoped_lock lock(mutex_);
  FutureKernel& kernel = kernels_[device.str() + text];
  if (!kernel.valid()) {
    kernel = std::async(std::launch::async, [compiler = compiler_, text, device] {
               return compiler->compile(text, device);
             }).share();
  }
  return kernel;
}

std::shared_ptr<KernelCache> kernel_cache(c10::DeviceType type) {
  if (type != c10::kCUDA) return nullptr;
  // Never destroyed: CUDA is gone when static objects go.
  static const auto* cache = [] {
    auto compiler = kernel_compiler(c10::kCUDA);
    return new std::shared_ptr<KernelCache>(compiler == nullptr ? nullptr
                                                                : std::make_shared<KernelCache>(std::move(compiler)));
  }();
  return *cache;
}

}  // namespace tracejet::aten
