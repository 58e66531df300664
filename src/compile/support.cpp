#include "compile/support.h"

#include <set>

#include "base/error.h"
#include "compile/compiled_program.h"
#include "engines/aten/kernels.h"
#include "engines/openvino/openvino_engine.h"
#include "ir/call.h"
#include "lowering/onnx/lower.h"

namespace tracejet {

namespace {

std::vector<Unsupported> find_unsupported(const Graph& graph, const std::string& engine) {
  if (engine == "openvino") return openvino::find_unsupported(graph, feeds_of(graph));
  if (engine == "aten") return aten::find_unsupported(graph);
  if (engine == "onnx") return onnx::find_unsupported(graph, feeds_of(graph));
  throw InvalidInput("there is no engine \"" + engine + "\" to check for: choose openvino, aten or onnx");
}

void count_taken(const Graph& graph, const std::set<const Node*>& refused, std::map<std::string, int64_t>& taken) {
  for (const Node& node : graph.nodes()) {
    if (refused.contains(&node)) continue;
    ++taken[Call(node).name()];
    for (const auto& subgraph : node.subgraphs()) count_taken(*subgraph, refused, taken);
  }
}

}  // namespace

Support support_of(const Graph& graph, const std::string& engine) {
  check_engine_device(graph, engine);
  Support support;
  support.unsupported = find_unsupported(graph, engine);
  if (engine == "openvino") support.warnings = openvino::find_warnings(graph, feeds_of(graph));
  std::set<const Node*> refused;
  for (const Unsupported& call : support.unsupported) refused.insert(call.node);
  count_taken(graph, refused, support.taken);
  return support;
}

void check_engine_device(const Graph& graph, const std::string& engine) {
  if (engine != "openvino") return;
  for (const GraphInput& input : graph.inputs()) {
    if (input.value == nullptr || input.value->tensor().device.is_cpu()) continue;
    throw InvalidInput(input.name + ": it is on " + input.value->tensor().device.str() +
                       " in this program, and openvino runs on the CPU: trace for that");
  }
}

}  // namespace tracejet
