#pragma once

#include <string>

#include <c10/core/ScalarType.h>

namespace tracejet {

/// How a program is compiled. The defaults keep the program's own precision.
struct CompileSettings {
  /// "openvino", or "aten": PyTorch's own kernels, which take every program.
  std::string engine = "openvino";
  /// What float32 arithmetic may be done in: float32, bfloat16 or float16. The weights given stay as they are.
  at::ScalarType precision = at::kFloat;
  /// 0: as many as PyTorch uses.
  int threads = 0;
  /// Where compiled kernels are kept between processes; empty: nowhere.
  std::string cache_dir;
};

}  // namespace tracejet
