#pragma once

#include <memory>
#include <optional>
#include <string>

#include "compile/program_runner.h"
#include "compile/saved/saved_build.h"
#include "io/pt2/archive_reader.h"
#include "io/pt2/call_spec.h"
#include "ir/stack_texts.h"
#include "tracejet/compile.h"

namespace tracejet {

/// What a file keeps of a compiled program, beside the program itself.
struct SavedCompilation {
  CompileSettings settings;
  SavedBuild build;
};

/// Writes a compiled program as a .pt2 file: the program, with what it has left in its buffers so far, and what the
/// engines made of it. torch.export.load finds the program in it.
///
/// Throws UnsupportedOperator where the program has what the file can't hold, and Error where it can't be written; a
/// file that was there is left alone then.
void save_compiled(const ProgramRunner& runner, const CallSpec& call, const StackTexts::SourceLine& source_line,
                   const std::string& path);

/// What engines made of the program of a file; nullopt where the file only has the program. Parts that are damaged, and
/// engines that aren't here, are to be compiled again, and the notes say so.
std::optional<SavedCompilation> read_compilation(const pt2::ArchiveReader& archive);

}  // namespace tracejet
