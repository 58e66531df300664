#include "engines/engine.h"

#include "base/error.h"

namespace tracejet {

void Engine::check_settings(const CompileSettings& settings) const {
  if (settings.precision != at::kFloat) {
    throw InvalidInput(std::string("precision is ") + c10::toString(settings.precision) + ", but " + name() +
                           " computes float32 in float32: leave it, or convert the model",
                       ErrorCode::kEngineSetting);
  }
  if (settings.threads != 0) {
    throw InvalidInput("threads is " + std::to_string(settings.threads) + ", but " + name() + " takes no number",
                       ErrorCode::kEngineSetting);
  }
}

std::vector<Unsupported> Engine::find_warnings(const std::shared_ptr<const Graph>&, const RuntimeInputs&,
                                               const CompileSettings&) const {
  return {};
}

std::unique_ptr<Executable> Engine::load(const SharedBytes&, const std::shared_ptr<const Graph>&, const RuntimeInputs&,
                                         const CompileSettings&) const {
  throw StaleEngine(name() + " keeps nothing of what it compiles");
}

std::unique_ptr<Executable> Engine::share(const Executable&, const std::shared_ptr<const Graph>&, const RuntimeInputs&,
                                          const CompileSettings&) const {
  return nullptr;
}

std::unique_ptr<Executable> Engine::refit(const Executable&, const std::shared_ptr<const Graph>& graph,
                                          const RuntimeInputs& inputs, const CompileSettings& settings) const {
  return compile(graph, inputs, settings);
}

void require_supported(const Engine& engine, const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                       const CompileSettings& settings) {
  const std::vector<Unsupported> found = engine.find_unsupported(graph, inputs, settings);
  if (!found.empty()) throw RefusedNodes(*graph, found, engine.name());
}

}  // namespace tracejet
