#pragma once

#include <vector>

#include <openvino/core/model.hpp>

#include "engines/engine.h"
#include "ir/graph.h"
#include "lowering/onnx/model.h"
#include "report/unsupported.h"

namespace tracejet::openvino {

/// The nodes of the program for which OpenVINO infers another shape than they have, at sizes that the program takes:
/// where it runs them, it would read or write memory that isn't theirs. Only the first of those that follow from each
/// other.
std::vector<Unsupported> wrongly_inferred(const ov::Model& model, const onnx::Model& onnx, const Graph& graph,
                                          const RuntimeInputs& inputs);

}  // namespace tracejet::openvino
