#pragma once

#include <memory>

#include "engines/engine.h"

namespace tracejet::openvino {

/// OpenVINO on the CPU. It takes a graph as a whole, read as ONNX; the weights are shared with the graph while
/// compiling, and what OpenVINO repacks for its kernels is its own.
std::shared_ptr<const Engine> make_engine();

}  // namespace tracejet::openvino
