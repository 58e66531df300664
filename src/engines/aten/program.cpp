#include "engines/aten/program.h"

#include <ATen/Context.h>

#include "engines/aten/graphs/recordable.h"
#include "engines/aten/graphs/replaying.h"
#include "engines/aten/passes/passes.h"

namespace tracejet::aten {

std::unique_ptr<Executable> make_program(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                         const CompileSettings& settings, const CompileBody& compile_body,
                                         std::vector<std::string>& notes) {
  const std::shared_ptr<const Graph> program_graph = optimized(graph, settings);
  const RuntimeInputs runtime = program_graph == graph ? inputs : runtime_inputs_of(*program_graph);
  auto program = make_interpreter(program_graph, runtime, compile_body);
  const std::vector<c10::Device> gpus = gpus_of(*program_graph);
  if (gpus.empty() || !settings.cuda_graphs) return program;
  if (const auto reason = why_not_recorded(*program_graph)) {
    notes.push_back("no CUDA graphs for PyTorch's kernels: " + *reason);
    return program;
  }
  if (!has_recorders()) {
    if (at::hasCUDA()) notes.emplace_back("no CUDA graphs for PyTorch's kernels: tracejet was built without CUDA");
    return program;
  }
  return make_replaying(std::move(program), program_graph, runtime, gpus.front(),
                        static_cast<size_t>(settings.max_cuda_graphs), make_recorder);
}

}  // namespace tracejet::aten
