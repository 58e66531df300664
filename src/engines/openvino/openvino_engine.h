#pragma once

#include <memory>
#include <vector>

#include "engines/engine.h"
#include "ir/graph.h"
#include "ir/unsupported.h"
#include "tracejet/compile.h"

namespace tracejet::openvino {

/// Compiles the whole graph with OpenVINO for the CPU. The weights are shared with the graph while compiling; what
/// OpenVINO repacks for its kernels is its own.
/// Throws UnsupportedOperator, listing everything that ONNX or OpenVINO can't say.
std::unique_ptr<Executable> prepare(std::shared_ptr<const Graph> graph, const Feeds& feeds,
                                    const CompileSettings& settings);

/// The nodes that `prepare` would refuse, asking OpenVINO itself but for the last step of its compiling.
std::vector<Unsupported> find_unsupported(const Graph& graph, const Feeds& feeds);

/// The nodes whose integers may become too large for what OpenVINO computes in.
std::vector<Unsupported> find_warnings(const Graph& graph, const Feeds& feeds);

}  // namespace tracejet::openvino
