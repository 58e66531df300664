#pragma once

#include <string>

#include "engines/names.h"
#include "lowering/onnx/lowering.h"

namespace tracejet::tensorrt {

/// What TensorRT makes of ONNX. The engine itself is written in Python.
inline onnx::Target target() {
  return {.name = std::string(engine_names::kTensorRT),
          .float64 = false,
          .checks = true,
          .keeps_nan = false,
          .sorts_stably = false};
}

}  // namespace tracejet::tensorrt
