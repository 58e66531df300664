#include "tracejet/compile.h"

#include "compile/compiled_program.h"

namespace tracejet {

std::vector<at::Tensor> Compiled::run(const std::vector<at::Tensor>& inputs) const { return program_->run(inputs); }

Compiled compile(const Program& program, const CompileSettings& settings) {
  return Compiled(std::make_shared<CompiledProgram>(program.graph(), settings));
}

}  // namespace tracejet
