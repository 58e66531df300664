#include "tracejet/compile.h"

#include "compile/compiled_program.h"
#include "compile/support.h"
#include "ir/call.h"
#include "ir/model_line.h"

namespace tracejet {

std::vector<at::Tensor> Compiled::run(const std::vector<at::Tensor>& inputs) const { return program_->run(inputs); }

Compiled compile(const Program& program, const CompileSettings& settings) {
  return Compiled(std::make_shared<CompiledProgram>(program.graph(), settings));
}

namespace {

std::vector<UnsupportedCall> described(const Graph& graph, const std::vector<Unsupported>& nodes) {
  std::vector<UnsupportedCall> calls;
  for (const auto& [node, reason] : nodes) {
    calls.push_back({Call(*node).name(), reason, describe(node->where(), graph)});
  }
  return calls;
}

}  // namespace

std::vector<UnsupportedCall> find_unsupported(const Program& program, const std::string& engine) {
  return described(*program.graph(), support_of(*program.graph(), engine).unsupported);
}

std::vector<UnsupportedCall> find_warnings(const Program& program, const std::string& engine) {
  return described(*program.graph(), support_of(*program.graph(), engine).warnings);
}

}  // namespace tracejet
