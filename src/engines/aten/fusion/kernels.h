#pragma once

#include <array>
#include <future>
#include <memory>
#include <mutex>
#include <string>

#include <c10/core/Device.h>

#include "engines/aten/fusion/kernel_source.h"

namespace tracejet::aten {

/// A kernel that is ready to be called, on the device that it was compiled for.
class Kernel {
 public:
  virtual ~Kernel() = default;
  /// On the current stream. `arguments` are the addresses of what it takes.
  virtual void launch(unsigned grid, unsigned block, void** arguments) const = 0;
};

/// What a kernel takes, as launch() wants it.
template <typename... Arguments>
std::array<void*, sizeof...(Arguments)> addresses_of(Arguments&... arguments) {
  return {static_cast<void*>(&arguments)...};
}

/// Compiles kernels while a program runs. Safe to call from several threads at once.
class KernelCompiler {
 public:
  virtual ~KernelCompiler() = default;
  virtual KernelDevice device(c10::Device device) const = 0;
  /// `text` is that of a KernelSource. Throws Error with what the compiler says where it refuses it.
  virtual std::shared_ptr<const Kernel> compile(const std::string& text, c10::Device device) const = 0;
};

/// For a kind of device; null where there is none.
std::shared_ptr<const KernelCompiler> kernel_compiler(c10::DeviceType type);

using FutureKernel = std::shared_future<std::shared_ptr<const Kernel>>;

/// Kernels by their text, each compiled once, on a thread of its own. They stay for as long as the process runs:
/// recordings of somebody else's may call them.
class KernelCache {
 public:
  explicit KernelCache(std::shared_ptr<const KernelCompiler> compiler) : compiler_(std::move(compiler)) {}

  const KernelCompiler& compiler() const { return *compiler_; }
  FutureKernel compiled(const std::string& text, c10::Device device);

 private:
  std::shared_ptr<const KernelCompiler> compiler_;
  std::mutex mutex_;
  std::unordered_map<std::string, FutureKernel> kernels_;  ///< by device and text
};

/// The one that programs of a device share; null where kernels can't be compiled for it.
std::shared_ptr<KernelCache> kernel_cache(c10::DeviceType type);

}  // namespace tracejet::aten
