#include "io/pt2/program_reader.h"
#include "io/pt2/program_writer.h"
#include <tracejet/io.h>

namespace tracejet {

void save(const Program& program, const std::string& path) {
  const Graph& graph = *program.graph();
  pt2::write_program(graph, positional_call(graph), read_source_lines(), path);
}

Program load(const std::string& path) {
  return Program(pt2::read_program(pt2::ArchiveReader(path), /*checks_weights=*/false).graph);
}

}  // namespace tracejet
