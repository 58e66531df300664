#include "lowering/onnx/lower_graph.h"

#include "base/error.h"

namespace tracejet::onnx {

Model lower(const Graph& graph, const std::vector<size_t>& runtime_inputs, const Target& target) {
  Lowering lowering(graph, runtime_inputs, target);
  lowering.run();
  if (!lowering.unsupported().empty()) {
    throw UnsupportedOperator(report(graph, lowering.unsupported(), target.name), ErrorCode::kEngineRefusal);
  }
  return std::move(lowering).finish();
}

std::vector<Unsupported> find_unsupported(const Graph& graph, const std::vector<size_t>& runtime_inputs,
                                          const Target& target) {
  Lowering lowering(graph, runtime_inputs, target);
  lowering.run();
  return lowering.unsupported();
}

}  // namespace tracejet::onnx
