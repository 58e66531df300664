#include "compile/saved/saved_file.h"
#include "io/pt2/program_reader.h"
#include "io/pt2/program_writer.h"
#include "tracejet/compile.h"

namespace tracejet {

void CompiledProgram::save(const std::string& path) const {
  save_compiled(*runner_, positional_call(*runner_->graph()), read_source_lines(), path);
}

CompiledProgram load_compiled(const std::string& path, const CompileSettings& otherwise) {
  const pt2::ArchiveReader archive(path);
  const auto saved = read_compilation(archive);
  const std::shared_ptr<const Graph> graph = pt2::read_program(archive, /*checks_weights=*/false).graph;
  if (!saved) return CompiledProgram(std::make_shared<ProgramRunner>(graph, otherwise));
  return CompiledProgram(std::make_shared<ProgramRunner>(graph, saved->settings, OwnState(),
                                                         /*trial=*/nullptr, &saved->build));
}

}  // namespace tracejet
