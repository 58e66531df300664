#pragma once

#include <memory>

#include <torch/csrc/utils/pybind.h>

#include "engines/engine.h"

namespace tracejet::python {

/// An engine that is written in Python and reads ONNX. `adapter`: see tracejet.engines.tensorrt.engine.TensorRT. What
/// ONNX or the engine's limits can't say is refused before it is asked.
std::shared_ptr<const Engine> make_onnx_engine(const py::object& adapter);

}  // namespace tracejet::python
