#include "engines/reference.h"

#include "engines/aten/aten_engine.h"
#include "engines/aten/program.h"

namespace tracejet {

const Engine& reference_engine() {
  static const std::shared_ptr<const Engine> engine = aten::make_engine();
  return *engine;
}

bool is_reference(const Engine& engine) { return engine.name() == reference_engine().name(); }

std::unique_ptr<Executable> compile_with_bodies(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                                const CompileSettings& settings, const CompileBody& compile_body,
                                                std::vector<std::string>& notes) {
  require_supported(reference_engine(), graph, inputs, settings);
  return aten::make_program(graph, inputs, settings, compile_body, notes);
}

std::unique_ptr<Executable> compile_reference(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs) {
  require_supported(reference_engine(), graph, inputs, {});
  return aten::make_interpreter(graph, inputs);
}

}  // namespace tracejet
