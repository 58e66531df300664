// Programs as a caller has them; those of a file that write in place are traced anew.
#include "frontends/program.h"
#include "io/pt2/program_reader.h"
#include "io/pt2/program_writer.h"
#include <tracejet/io.h>

namespace tracejet {

namespace pt2 {

namespace {

/// Where constants are kept in the model, by their names in `graph`, which has those of `before` under other ones.
std::map<std::string, std::string> constant_names(const Graph& graph, const Graph& before,
                                                  const std::map<std::string, std::string>& names) {
  std::map<const void*, std::string> paths;  // by where the data lie
  for (const GraphInput& input : before.inputs()) {
    const auto name = names.find(input.name);
    if (input.kind == GraphInput::Kind::kConstant && input.data.defined() && name != names.end())
      paths.emplace(input.data.const_data_ptr(), name->second);
  }
  std::map<std::string, std::string> found;
  for (const GraphInput& input : graph.inputs()) {
    if (input.kind != GraphInput::Kind::kConstant || !input.data.defined()) continue;
    const auto path = paths.find(input.data.const_data_ptr());
    if (path != paths.end()) found.emplace(input.name, path->second);
  }
  return found;
}

}  // namespace

ReadProgram read_program(const ArchiveReader& archive, bool checks_weights) {
  ReadProgram program = read_as_saved(archive, checks_weights);
  if (!program.writes_in_place) return program;
  std::shared_ptr<Graph> graph =
      naming_file(archive, [&] { return retraced(*program.graph, {.decompositions = DecompositionSet::kNone}); });
  program.call.constant_names = constant_names(*graph, *program.graph, program.call.constant_names);
  return {std::move(graph), std::move(program.call)};
}

}  // namespace pt2

void save(const Program& program, const std::string& path) {
  const Graph& graph = *program.graph();
  pt2::write_program(graph, positional_call(graph), read_source_lines(), path);
}

Program load(const std::string& path) {
  return Program(pt2::read_program(pt2::ArchiveReader(path), /*checks_weights=*/false).graph);
}

}  // namespace tracejet
