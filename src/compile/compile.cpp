#include "tracejet/compile.h"

#include "compile/engine_support.h"
#include "compile/program_runner.h"
#include "ir/call.h"
#include "ir/model_line.h"

namespace tracejet {

std::vector<at::Tensor> CompiledProgram::run(const std::vector<at::Tensor>& inputs) const {
  return runner_->run(inputs);
}

CompileReport CompiledProgram::report() const { return runner_->report(); }

namespace {

std::vector<UnsupportedCall> unsupported_calls(const Graph& graph, const std::vector<Unsupported>& nodes) {
  std::vector<UnsupportedCall> calls;
  for (const auto& [node, reason] : nodes) {
    calls.push_back({Call(*node).name(), reason, describe(node->where(), graph)});
  }
  return calls;
}

}  // namespace

std::vector<UnsupportedCall> find_unsupported(const Program& program, const std::string& engine) {
  return unsupported_calls(*program.graph(), engine_support_of(program.graph(), engine).unsupported);
}

std::vector<UnsupportedCall> find_warnings(const Program& program, const std::string& engine) {
  return unsupported_calls(*program.graph(), engine_support_of(program.graph(), engine).warnings);
}

}  // namespace tracejet
