#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engines/aten/interpreter.h"
#include "engines/recording/replaying.h"
#include "tracejet/compile.h"

namespace tracejet::aten {

/// What a user's program becomes: passes, the interpreter, and recordings of it on GPUs. What went otherwise than one
/// may expect is added to `notes`.
std::unique_ptr<Executable> make_program(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                         const CompileSettings& settings, const CompileBody& compile_body,
                                         std::vector<std::string>& notes);

/// A program of which runs of calls are recorded, and the others called between them. Null where no run is long enough.
std::unique_ptr<Executable> make_split_program(const Graph& graph, c10::DeviceType type,
                                               const CompileBody& compile_body, size_t most,
                                               const recording::MakeRecorder& make_recorder);

/// The interpreter of a graph, for recordings of what it calls.
recording::Repeatable repeatable(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                 const CompileBody& compile_body);

}  // namespace tracejet::aten
