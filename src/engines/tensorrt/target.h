#pragma once

#include <string>
#include <string_view>

#include "lowering/onnx/lowering.h"

namespace tracejet::tensorrt {

inline constexpr std::string_view kName = "tensorrt";
inline constexpr std::string_view kOwnSettings[] = {
    "compute_capabilities",    "workspace_size",       "optimization_level",
    "max_aux_streams",         "num_avg_timing_iters", "disable_tf32",
    "sparse_weights",          "version_compatible",   "hardware_compatible",
    "enable_weight_streaming", "timing_cache_path",    "runtime_cache_path",
    "use_cuda_graphs"};

/// What TensorRT makes of ONNX. The engine itself is written in Python.
inline onnx::Target target() {
  return {.name = std::string(kName), .float64 = false, .checks = true, .keeps_nan = false, .sorts_stably = false};
}

}  // namespace tracejet::tensorrt
