#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <openvino/core/model.hpp>
#include <openvino/runtime/core.hpp>

#include "engines/engine.h"
#include "ir/graph.h"
#include "lowering/onnx/lower_graph.h"
#include "report/unsupported.h"

namespace tracejet::openvino {

/// One per process: it holds the plugins and their threads.
ov::Core& core();

/// What OpenVINO makes of ONNX.
onnx::Target target();

/// A program as OpenVINO reads it, and the ONNX model that it was read from.
struct Model {
  onnx::Model onnx;
  std::shared_ptr<ov::Model> model;  ///< null where something is refused
  std::vector<Unsupported> refused;
};

/// Everything short of compiling: writes the program as ONNX, has OpenVINO read it, and holds every shape that OpenVINO
/// infers against the program's own.
/// Throws UnsupportedOperator where OpenVINO refuses it without saying at which operator.
Model read(const Graph& graph, const RuntimeInputs& inputs);

}  // namespace tracejet::openvino
