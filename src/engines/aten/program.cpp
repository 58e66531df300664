#include "engines/aten/program.h"

#include <ATen/Context.h>

#include "engines/aten/passes/passes.h"
#include "engines/aten/runs.h"
#include "engines/recording/recordable.h"

namespace tracejet::aten {

std::unique_ptr<Executable> make_program(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                         const CompileSettings& settings, const CompileBody& compile_body,
                                         std::vector<std::string>& notes) {
  const std::shared_ptr<const Graph> program_graph = optimized(graph, settings);
  if (settings.precision != at::kFloat && program_graph == graph)
    notes.emplace_back("precision: PyTorch's kernels compute a program with control flow in its own");
  const RuntimeInputs runtime = program_graph == graph ? inputs : runtime_inputs_of(*program_graph);
  const std::vector<c10::Device> gpus = recording::gpus_of(*program_graph);
  if (gpus.empty() || !settings.cuda_graphs) return make_interpreter(program_graph, runtime, compile_body);
  const auto reason = recording::why_not_recorded(*program_graph);
  if (!recording::has_recorders()) {
    if (reason || at::hasCUDA())
      notes.push_back("no CUDA graphs for PyTorch's kernels: " + reason.value_or("tracejet was built without CUDA"));
    return make_interpreter(program_graph, runtime, compile_body);
  }
  const auto most = static_cast<size_t>(settings.max_cuda_graphs);
  if (reason || gives_large_results_last(*program_graph, gpus.front())) {
    if (auto split = make_split_program(*program_graph, c10::kCUDA, compile_body, most, recording::make_recorder)) {
      if (reason) notes.push_back("more than one CUDA graph for PyTorch's kernels: " + *reason);
      return split;
    }
  }
  if (!reason) {
    return recording::make_replaying(repeatable(program_graph, runtime, compile_body), gpus.front(), most,
                                     recording::make_recorder);
  }
  notes.push_back("no CUDA graphs for PyTorch's kernels: " + *reason);
  return make_interpreter(program_graph, runtime, compile_body);
}

std::unique_ptr<Executable> make_split_program(const Graph& graph, c10::DeviceType type,
                                               const CompileBody& compile_body, size_t most,
                                               const recording::MakeRecorder& make_recorder) {
  const std::shared_ptr<const Graph> split = with_recorded_runs(graph, type);
  if (split == nullptr) return nullptr;
  const CompileBody make_body = [&](const std::shared_ptr<const Graph>& around, const Node& node,
                                    const std::shared_ptr<const Graph>& body) -> std::shared_ptr<const Executable> {
    if (!is_recorded(node)) return compile_body ? compile_body(around, node, body) : nullptr;
    return recording::make_replaying(repeatable(body, passed_inputs(node), compile_body),
                                     node.outputs().front()->tensor().device, most, make_recorder);
  };
  return make_interpreter(split, runtime_inputs_of(*split), make_body);
}

recording::Repeatable repeatable(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                 const CompileBody& compile_body) {
  std::unique_ptr<Interpreted> interpreter = make_interpreter(graph, inputs, compile_body);
  const auto run_noting = [&interpreted = *interpreter](std::vector<at::Tensor> given, const RuntimeSizes& sizes,
                                                        const Node*& last) {
    const auto observe = [&](const Node& node, std::span<c10::IValue>) { last = &node; };
    return interpreted.run_observed(std::move(given), sizes, observe);
  };
  return {std::move(interpreter), graph, inputs, run_noting};
}

}  // namespace tracejet::aten
