// Kernels through NVRTC. Only part of a build whose PyTorch has CUDA.
#include <array>

#include <ATen/DynamicLibrary.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "base/error.h"
#include "engines/aten/fusion/kernels.h"

namespace tracejet::aten {

namespace {

// What is called of NVRTC and of CUDA's driver. PyTorch loads both through a library of its own; neither their headers
// nor their import libraries need to be where tracejet is built.
struct Program;
struct Module;
struct Function;

using CreateProgram = int(Program**, const char*, const char*, int, const char* const*, const char* const*);
using CompileProgram = int(Program*, int, const char* const*);
using GetSize = int(Program*, size_t*);
using GetBytes = int(Program*, char*);
using DestroyProgram = int(Program**);
using LoadModule = int(Module**, const void*);
using GetFunction = int(Function**, Module*, const char*);
using LaunchKernel = int(Function*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, cudaStream_t,
                         void**, void**);

struct Library {
  at::DynamicLibrary torch{"libcaffe2_nvrtc.so"};
  CreateProgram* create = find<CreateProgram>("nvrtcCreateProgram");
  CompileProgram* compile = find<CompileProgram>("nvrtcCompileProgram");
  GetSize* log_size = find<GetSize>("nvrtcGetProgramLogSize");
  GetBytes* log = find<GetBytes>("nvrtcGetProgramLog");
  GetSize* binary_size = find<GetSize>("nvrtcGetCUBINSize");
  GetBytes* binary = find<GetBytes>("nvrtcGetCUBIN");
  DestroyProgram* destroy = find<DestroyProgram>("nvrtcDestroyProgram");
  LoadModule* load = find<LoadModule>("cuModuleLoadData");
  GetFunction* function = find<GetFunction>("cuModuleGetFunction");
  LaunchKernel* launch = find<LaunchKernel>("cuLaunchKernel");

  template <typename Signature>
  Signature* find(const char* name) {
    return reinterpret_cast<Signature*>(torch.sym(name));
  }
};

const Library& library() {
  static auto* loaded = new Library();
  return *loaded;
}

void require(int status, const char* call) {
  if (status != 0) throw Error(std::string(call) + " failed with " + std::to_string(status));
}

class CudaKernel final : public Kernel {
 public:
  CudaKernel(Function* function, c10::Device device) : function_(function), device_(device) {}

  void launch(unsigned grid, unsigned block, void** arguments) const override {
    const c10::cuda::CUDAGuard guard(device_);
    C10_CUDA_CHECK(cudaSetDevice(device_.index()));  // the driver wants a context, which a new thread has none of
    const auto stream = c10::cuda::getCurrentCUDAStream(device_.index()).stream();
    require(library().launch(function_, grid, 1, 1, block, 1, 1, 0, stream, arguments, nullptr), "cuLaunchKernel");
  }

 private:
  Function* function_;
  c10::Device device_;
};

class Nvrtc final : public KernelCompiler {
 public:
  KernelDevice device(c10::Device device) const override {
    int processors = 0;
    C10_CUDA_CHECK(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device.index()));
    KernelDevice found;
    found.threads = int64_t{processors} * 1024;
    return found;
  }

  std::shared_ptr<const Kernel> compile(const std::string& text, c10::Device device) const override {
    const std::string binary = binary_of(std::string(kCudaConversions) + kKernelPrelude + text, device);
    const c10::cuda::CUDAGuard guard(device);
    C10_CUDA_CHECK(cudaFree(nullptr));  // this thread has the device's context from here on
    Module* module = nullptr;
    require(library().load(&module, binary.data()), "cuModuleLoadData");
    Function* function = nullptr;
    require(library().function(&function, module, kKernelName), "cuModuleGetFunction");
    return std::make_shared<CudaKernel>(function, device);
  }

 private:
  static std::string binary_of(const std::string& text, c10::Device device) {
    int major = 0, minor = 0;
    C10_CUDA_CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device.index()));
    C10_CUDA_CHECK(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device.index()));
    const std::string architecture = "--gpu-architecture=sm_" + std::to_string(major) + std::to_string(minor);
    // Products and sums are rounded one by one, as they are in kernels of one operator each.
    const std::array<const char*, 3> options{architecture.c_str(), "--std=c++17", "--fmad=false"};
    Program* program = nullptr;
    require(library().create(&program, text.c_str(), "fused.cu", 0, nullptr, nullptr), "nvrtcCreateProgram");
    const std::unique_ptr<Program, void (*)(Program*)> owner(program, [](Program* own) { library().destroy(&own); });
    const int status = library().compile(program, static_cast<int>(options.size()), options.data());
    if (status != 0) throw Error("NVRTC refuses a kernel: " + read(program, library().log_size, library().log));
    return read(program, library().binary_size, library().binary);
  }

  static std::string read(Program* program, GetSize* size_of, GetBytes* bytes_of) {
    size_t size = 0;
    require(size_of(program, &size), "asking NVRTC for a size");
    std::string bytes(size, '\0');
    require(bytes_of(program, bytes.data()), "asking NVRTC for its result");
    return bytes;
  }
};

}  // namespace

std::shared_ptr<const KernelCompiler> kernel_compiler(c10::DeviceType type) {
  return type == c10::kCUDA ? std::make_shared<const Nvrtc>() : nullptr;
}

}  // namespace tracejet::aten
