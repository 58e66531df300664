#pragma once

#include <memory>

#include <ATen/core/Tensor.h>

#include "base/child_process.h"
#include "compile/program_runner.h"
#include "ir/graph.h"
#include "ir/own_state.h"

namespace tracejet {

/// Compiles as the settings say, those of `verify` included. See ProgramRunner and make_part_verifier().
std::shared_ptr<ProgramRunner> compile_verified(std::shared_ptr<const Graph> graph, const CompileSettings& settings,
                                                OwnState state, const Fork& fork);

}  // namespace tracejet
