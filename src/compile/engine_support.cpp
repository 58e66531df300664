#include "compile/engine_support.h"

#include <set>
#include <utility>

#include "base/error.h"
#include "engines/reference.h"
#include "engines/registry.h"
#include "ir/call.h"

namespace tracejet {

namespace {

void count_taken(const Graph& graph, const std::set<const Node*>& refused, std::map<std::string, int64_t>& taken) {
  for (const Node& node : graph.nodes()) {
    if (refused.contains(&node)) continue;
    ++taken[Call(node).name()];
    for (const auto& subgraph : node.subgraphs()) count_taken(*subgraph, refused, taken);
  }
}

/// Asks an engine; where it refuses, the error also says which one takes more.
template <typename Question>
auto or_advise(const Engine& engine, const Question& ask) {
  try {
    return ask();
  } catch (const UnsupportedOperator& refusal) {
    if (is_reference(engine)) throw;
    throw UnsupportedOperator(
        said_by(refusal) + "\nThe engine \"" + reference_engine().name() + "\" runs every program.",
        ErrorCode::kEngineRefusal);
  }
}

std::string devices_of(const Engine& engine) {
  std::string devices;
  for (const auto& [type, words] : {std::pair(c10::kCPU, "the CPU"), std::pair(c10::kCUDA, "CUDA")}) {
    if (engine.runs_on(c10::Device(type, type == c10::kCPU ? -1 : 0))) {
      devices += (devices.empty() ? "" : " and ") + std::string(words);
    }
  }
  return devices.empty() ? "other devices" : devices;
}

}  // namespace

EngineSupport engine_support_of(const std::shared_ptr<const Graph>& graph, const std::string& engine) {
  const auto asked = find_engine(engine);
  check_device(*graph, *asked);
  const RuntimeInputs inputs = runtime_inputs_of(*graph);
  const CompileSettings settings{.engine = engine};
  EngineSupport support;
  support.unsupported = or_advise(*asked, [&] { return asked->find_unsupported(graph, inputs, settings); });
  support.warnings = asked->find_warnings(graph, inputs, settings);
  std::set<const Node*> refused;
  for (const Unsupported& call : support.unsupported) refused.insert(call.node);
  count_taken(*graph, refused, support.taken);
  return support;
}

void check_device(const Graph& graph, const Engine& engine) {
  for (const GraphInput& input : graph.inputs()) {
    if (input.value == nullptr || engine.runs_on(input.value->tensor().device)) continue;
    throw InvalidInput(input.name + ": it is on " + input.value->tensor().device.str() + " in this program, and " +
                           engine.name() + " runs on " + devices_of(engine) + ": trace for that",
                       ErrorCode::kEngineSetting);
  }
}

std::shared_ptr<const Executable> compile_or_advise(const Engine& engine, const std::shared_ptr<const Graph>& graph,
                                                    const RuntimeInputs& inputs, CachedEngines& cached) {
  return or_advise(engine, [&] { return cached.compile(engine, graph, inputs); });
}

}  // namespace tracejet
