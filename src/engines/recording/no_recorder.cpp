// In the place of cuda/cuda_recorder.cpp where this PyTorch has no CUDA.
#include "base/error.h"
#include "engines/recording/recorder.h"

namespace tracejet::recording {

bool has_recorders() { return false; }

std::unique_ptr<Recorder> make_recorder(c10::Device) {
  throw Error("tracejet was built without CUDA", ErrorCode::kEngineFailure);
}

}  // namespace tracejet::recording
