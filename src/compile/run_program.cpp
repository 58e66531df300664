// Runs a program that isn't compiled.
#include "engines/reference.h"
#include <tracejet/compile.h>
#include <tracejet/program.h>

namespace tracejet {

std::vector<at::Tensor> run(const Program& program, const std::vector<at::Tensor>& inputs) {
  return compile(program, {.engine = reference_engine().name(), .cuda_graphs = false}).run(inputs);
}

}  // namespace tracejet
