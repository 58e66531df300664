#include "io/pt2/program_writer.h"
#include <tracejet/io.h>

namespace tracejet {

void save(const Program& program, const std::string& path) {
  const Graph& graph = *program.graph();
  pt2::write_program(graph, positional_call(graph), read_source_lines(), path);
}

}  // namespace tracejet
