#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engines/aten/interpreter.h"
#include "tracejet/compile.h"

namespace tracejet::aten {

/// What a user's program becomes: passes, the interpreter, and recordings of it on GPUs. What went otherwise than one
/// may expect is added to `notes`.
std::unique_ptr<Executable> make_program(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                         const CompileSettings& settings, const CompileBody& compile_body,
                                         std::vector<std::string>& notes);

}  // namespace tracejet::aten
