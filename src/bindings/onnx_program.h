#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engines/runtime_inputs.h"
#include "ir/graph.h"
#include "lowering/onnx/lowering.h"
#include "report/unsupported.h"

namespace tracejet::python {

/// A graph as ONNX for an engine that is written in Python.
struct OnnxProgram {
  std::string engine;
  std::shared_ptr<const Graph> graph;
  RuntimeInputs inputs;
  onnx::Model model;                 ///< empty where something is refused
  std::vector<Unsupported> refused;  ///< what ONNX or the engine can't say

  /// `precision`: what products of float32 are computed in.
  OnnxProgram(std::shared_ptr<const Graph> graph, RuntimeInputs inputs, const onnx::Target& target,
              at::ScalarType precision);

  /// The nodes of the graph that these ONNX nodes come from, or work for, each once.
  /// Throws UnsupportedOperator where there are none.
  std::vector<Unsupported> sources_of(const std::vector<std::pair<size_t, std::string>>& nodes) const;

 private:
  const Node* source_of(size_t onnx_node) const;
};

}  // namespace tracejet::python
