#pragma once

#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "engines/aten/fusion/kernels.h"

namespace tracejet::testing {

inline constexpr aten::KernelDevice kOneThread{.warp = 1, .block = 4, .largest_block = 1, .threads = 0};
inline constexpr aten::KernelDevice kWarps{.warp = 32, .block = 32, .largest_block = 128, .threads = 0};
inline constexpr aten::KernelDevice kManyBlocks{.warp = 32, .block = 32, .largest_block = 128, .threads = 4096};

/// How far half precision may be from eager's, relative and absolute.
inline double tolerance_of(at::ScalarType dtype) {
  if (dtype == at::kHalf) return 2e-3;
  if (dtype == at::kBFloat16) return 1.6e-2;
  return 1e-5;
}

/// Kernels on the CPU: their text is compiled as C++, with CUDA's words defined in front of it. Threads of a block run
/// as threads, each waiting for the others where they exchange numbers.
class HostCompiler final : public aten::KernelCompiler {
 public:
  explicit HostCompiler(aten::KernelDevice device) : device_(device), folder_(make_folder()) {}
  HostCompiler(const HostCompiler&) = delete;
  HostCompiler& operator=(const HostCompiler&) = delete;
  ~HostCompiler() override { std::filesystem::remove_all(folder_); }

  aten::KernelDevice device(c10::Device) const override { return device_; }

  std::shared_ptr<const aten::Kernel> compile(const std::string& text, c10::Device) const override {
    const std::string name = folder_ / std::to_string(count_++);
    const bool exchanges = text.find("row_") != std::string::npos && device_.warp == 32;
    std::ofstream(name + ".cpp") << kWords << (exchanges ? kThreads : kOneThread) << aten::kKernelPrelude << text
                                 << kLaunch;
    const std::string command = std::string(TRACEJET_TEST_CXX) + " -std=c++20 -O1 -w -shared -fPIC -pthread -o " +
                                name + ".so " + name + ".cpp 2>" + name + ".log";
    if (std::system(command.c_str()) != 0) {
      std::ifstream log(name + ".log");
      throw Error(std::string(std::istreambuf_iterator<char>(log), {}) + text);
    }
    return std::make_shared<HostKernel>(name + ".so");
  }

  mutable int count_ = 0;  ///< of kernels that were compiled

 private:
  class HostKernel final : public aten::Kernel {
   public:
    explicit HostKernel(const std::string& library) : library_(dlopen(library.c_str(), RTLD_NOW)) {
      if (library_ == nullptr) throw Error(dlerror());
      launch_ = reinterpret_cast<Launch*>(dlsym(library_, "launch"));
    }
    HostKernel(const HostKernel&) = delete;
    HostKernel& operator=(const HostKernel&) = delete;
    ~HostKernel() override { dlclose(library_); }

    void launch(unsigned grid, unsigned block, void** arguments) const override { launch_(grid, block, arguments); }

   private:
    using Launch = void(unsigned, unsigned, void**);
    void* library_;
    Launch* launch_;
  };

  static std::filesystem::path make_folder() {
    std::string name = std::filesystem::temp_directory_path() / "tracejet_kernels_XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw Error("no folder for kernels");
    return name;
  }

  static constexpr const char* kWords = R"(
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
using std::exp, std::pow, std::log, std::sqrt, std::tanh, std::erf, std::expm1, std::log1p, std::log2, std::log10, std::sin,
    std::cos, std::tan, std::sinh, std::cosh, std::floor, std::ceil, std::rint, std::trunc;
#define __global__
#define __device__
#define __forceinline__ inline
#define __restrict__
#define __shared__ static
#define __align__(bytes) alignas(bytes)
#define __launch_bounds__(threads)
struct Place { unsigned x; };
thread_local Place threadIdx, blockIdx;
float rsqrt(float x) { return 1 / std::sqrt(x); }
double rsqrt(double x) { return 1 / std::sqrt(x); }

using Half = _Float16;
struct BFloat16 { unsigned short bits; };
template <typename T> T wide(T x) { return x; }
inline float wide(Half x) { return x; }
inline float wide(BFloat16 x) {
  const unsigned bits = unsigned(x.bits) << 16;
  float wide;
  std::memcpy(&wide, &bits, 4);
  return wide;
}
template <typename T> struct As {
  template <typename From> static T of(From x) { return static_cast<T>(x); }
};
template <> struct As<BFloat16> {
  static BFloat16 of(float x) {
    unsigned bits;
    std::memcpy(&bits, &x, 4);
    if (x != x) return {0x7fff};
    return {static_cast<unsigned short>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
  }
};
template <typename T> T infinity() { return std::numeric_limits<T>::infinity(); }
)";

  /// For kernels whose threads exchange nothing.
  static constexpr const char* kOneThread = R"(
void __syncthreads() {}
template <typename T> T __shfl_xor_sync(unsigned, T x, int) { return x; }
void run_block(unsigned block, auto&& run) {
  for (unsigned t = 0; t < block; ++t) run(t);
}
)";

  static constexpr const char* kThreads = R"(
#include <barrier>
#include <memory>
#include <thread>
#include <vector>
std::unique_ptr<std::barrier<>> whole_block;
std::vector<std::unique_ptr<std::barrier<>>> warps;
void __syncthreads() { whole_block->arrive_and_wait(); }
template <typename T> T __shfl_xor_sync(unsigned, T x, int other) {
  static T given[1024];
  std::barrier<>& warp = *warps[threadIdx.x / 32];
  given[threadIdx.x] = x;
  warp.arrive_and_wait();
  const T taken = given[threadIdx.x ^ unsigned(other)];
  warp.arrive_and_wait();
  return taken;
}
void run_block(unsigned block, auto&& run) {
  whole_block = std::make_unique<std::barrier<>>(block);
  warps.clear();
  for (unsigned warp = 0; warp < block / 32; ++warp) warps.push_back(std::make_unique<std::barrier<>>(32));
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < block; ++t) threads.emplace_back([&run, t] { run(t); });
  for (std::thread& thread : threads) thread.join();
}
)";

  static constexpr const char* kLaunch = R"(
template <typename... Arguments, size_t... index>
void call(void (*kernel)(Arguments...), void** arguments, std::index_sequence<index...>) {
  kernel(*static_cast<std::remove_const_t<Arguments>*>(arguments[index])...);
}
template <typename... Arguments> void call(void (*kernel)(Arguments...), void** arguments) {
  call(kernel, arguments, std::index_sequence_for<Arguments...>());
}
extern "C" void launch(unsigned grid, unsigned block, void** arguments) {
  for (unsigned b = 0; b < grid; ++b) {
    run_block(block, [&](unsigned t) {
      blockIdx.x = b;
      threadIdx.x = t;
      call(&fused, arguments);
    });
  }
}
)";

  aten::KernelDevice device_;
  std::filesystem::path folder_;
};

}  // namespace tracejet::testing
