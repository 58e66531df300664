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

/// Both of these properties.
ov::AnyMap with(ov::AnyMap properties, const ov::AnyMap& besides);

/// What OpenVINO makes of ONNX.
onnx::Target target();

/// A program as OpenVINO reads it, and the ONNX model that it was read from.
struct Model {
  onnx::Model onnx;
  std::string identity;              ///< see identity_of()
  std::shared_ptr<ov::Model> model;  ///< null where something is refused
  std::vector<Unsupported> refused;
};

/// Tells a program from others, but for its weights: what was compiled of it is loaded for the very same only.
std::string identity_of(const onnx::Model& lowered);

/// The model with other weights in the places of the old ones; null where that isn't certain to be what read() would
/// make: where weights are gone, or integers changed, which shapes may depend on.
std::shared_ptr<ov::Model> with_weights(const ov::Model& model, const std::vector<onnx::NamedTensor>& old_weights,
                                        const std::vector<onnx::NamedTensor>& new_weights);

/// Everything short of compiling: writes the program as ONNX, has OpenVINO read it, and holds every shape that OpenVINO
/// infers against the program's own.
/// Throws UnsupportedOperator where OpenVINO refuses it without saying at which operator.
Model read(const Graph& graph, const RuntimeInputs& inputs);

}  // namespace tracejet::openvino
