#pragma once

#include <string>
#include <utility>

#include "answer.h"
#include "inputs.h"
#include "settings.h"
#include <tracejet/compile.h>
#include <tracejet/trace.h>

namespace tracejet::command_line {

/// Whether a file is a program, by what is in it; of a file that is nothing that is known, by its name. Anything else
/// is a TorchScript file.
bool is_program(const std::string& model);

/// The program of a file. A TorchScript file is traced for the inputs of the command line; a program knows its own, and
/// takes no `inputs`. Throws InvalidInput where there is no such file, and what load() and trace() throw.
Program program_of(const std::string& model, const InputOptions& inputs, const TraceOptions& options = {});

/// The same to run it on random inputs: of a program, `inputs` may say the shapes of these.
std::pair<Program, NamedShapes> program_and_shapes(const std::string& model, const InputOptions& inputs);

/// Compiled; as the file has it, where that is compiled already and `settings` say nothing else.
std::pair<CompiledProgram, NamedShapes> compiled_and_shapes(const std::string& model, const InputOptions& inputs,
                                                            const SettingOptions& settings);

/// What a program takes, and how many calls it has of which operator.
Answer described(const Program& program);

}  // namespace tracejet::command_line
