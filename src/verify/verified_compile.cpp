#include "verify/verified_compile.h"

#include <unistd.h>
#include <utility>

#include "compile/settings.h"
#include "tracejet/compile.h"
#include "verify/part_verifier.h"

namespace tracejet {

std::shared_ptr<ProgramRunner> compile_verified(std::shared_ptr<const Graph> graph, const CompileSettings& settings,
                                                OwnState state, const Fork& fork) {
  check_settings(settings);
  if (settings.verify == "off") return std::make_shared<ProgramRunner>(std::move(graph), settings, std::move(state));
  const auto trial = make_part_verifier(graph, settings, state, fork);
  return std::make_shared<ProgramRunner>(graph, settings, state, trial.get());
}

CompiledProgram compile(const Program& program, const CompileSettings& settings) {
  return CompiledProgram(compile_verified(program.graph(), settings, {}, ::fork));
}

}  // namespace tracejet
