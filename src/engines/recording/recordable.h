#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engines/runtime_inputs.h"
#include "ir/graph.h"

namespace tracejet::recording {

/// The GPUs that tensors of a program are on, each once.
std::vector<c10::Device> gpus_of(const Graph& graph);

/// Why calls of a program for a GPU can't be recorded and replayed: the operator, the reason and its line. nullopt
/// where nothing speaks against it.
std::optional<std::string> why_not_recorded(const Graph& graph);

/// Whether a call can be part of a recording on this device, which is of some calls of the program.
bool is_recordable(const Graph& graph, const Node& node, c10::Device device);

}  // namespace tracejet::recording
