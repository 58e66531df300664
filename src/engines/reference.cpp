#include "engines/reference.h"

#include "engines/aten/aten_engine.h"

namespace tracejet {

const Engine& reference_engine() {
  static const std::shared_ptr<const Engine> engine = aten::make_engine();
  return *engine;
}

std::unique_ptr<Executable> compile_with_bodies(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                                const CompileSettings& settings, const CompileBody& compile_body) {
  require_supported(reference_engine(), graph, inputs, settings);
  return aten::make_interpreter(graph, inputs, compile_body);
}

}  // namespace tracejet
