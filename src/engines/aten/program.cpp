#include "engines/aten/program.h"

#include <ATen/Context.h>

#include "engines/aten/graphs/recordable.h"
#include "engines/aten/graphs/runs.h"
#include "engines/aten/passes/passes.h"

namespace tracejet::aten {

std::unique_ptr<Executable> make_program(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                         const CompileSettings& settings, const CompileBody& compile_body,
                                         std::vector<std::string>& notes) {
  const std::shared_ptr<const Graph> program_graph = optimized(graph, settings);
  if (settings.precision != at::kFloat && program_graph == graph)
    notes.emplace_back("precision: PyTorch's kernels compute a program with control flow in its own");
  const RuntimeInputs runtime = program_graph == graph ? inputs : runtime_inputs_of(*program_graph);
  const std::vector<c10::Device> gpus = gpus_of(*program_graph);
  if (gpus.empty() || !settings.cuda_graphs) return make_interpreter(program_graph, runtime, compile_body);
  const auto reason = why_not_recorded(*program_graph);
  if (!has_recorders()) {
    if (reason || at::hasCUDA())
      notes.push_back("no CUDA graphs for PyTorch's kernels: " + reason.value_or("tracejet was built without CUDA"));
    return make_interpreter(program_graph, runtime, compile_body);
  }
  const auto most = static_cast<size_t>(settings.max_cuda_graphs);
  if (reason || gives_large_results_last(*program_graph, gpus.front())) {
    if (auto split = make_split_program(*program_graph, c10::kCUDA, compile_body, most, make_recorder)) {
      if (reason) notes.push_back("more than one CUDA graph for PyTorch's kernels: " + *reason);
      return split;
    }
  }
  if (!reason) {
    return make_replaying(make_interpreter(program_graph, runtime, compile_body), program_graph, runtime, gpus.front(),
                          most, make_recorder);
  }
  notes.push_back("no CUDA graphs for PyTorch's kernels: " + *reason);
  return make_interpreter(program_graph, runtime, compile_body);
}

std::unique_ptr<Executable> make_split_program(const Graph& graph, c10::DeviceType type,
                                               const CompileBody& compile_body, size_t most,
                                               const MakeRecorder& make_recorder) {
  const std::shared_ptr<const Graph> split = with_recorded_runs(graph, type);
  if (split == nullptr) return nullptr;
  const CompileBody make_body = [&](const std::shared_ptr<const Graph>& around, const Node& node,
                                    const std::shared_ptr<const Graph>& body) -> std::shared_ptr<const Executable> {
    if (!is_recorded(node)) return compile_body ? compile_body(around, node, body) : nullptr;
    const RuntimeInputs passed = passed_inputs(node);
    return make_replaying(make_interpreter(body, passed, compile_body), body, passed,
                          node.outputs().front()->tensor().device, most, make_recorder);
  };
  return make_interpreter(split, runtime_inputs_of(*split), make_body);
}

}  // namespace tracejet::aten
