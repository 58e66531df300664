#pragma once

#include <vector>

#include "ir/graph.h"
#include "lowering/onnx/lowering.h"
#include "lowering/onnx/model.h"

namespace tracejet::onnx {

/// The graph as an ONNX model whose weights are the graph's own tensors. `runtime_inputs` are indices into
/// graph.inputs(): the inputs that exist when the program runs. Throws one UnsupportedOperator that lists everything
/// that ONNX can't say or `target` can't do.
Model lower(const Graph& graph, const std::vector<size_t>& runtime_inputs, const Target& target = {});

/// What `lower` would refuse, without throwing.
std::vector<Unsupported> find_unsupported(const Graph& graph, const std::vector<size_t>& runtime_inputs,
                                          const Target& target = {});

}  // namespace tracejet::onnx
