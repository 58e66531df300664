#pragma once

#include <string>

#include "io/pt2/call_spec.h"
#include "ir/stack_texts.h"

namespace tracejet::pt2 {

/// Writes a program as a .pt2 archive that torch.export.load reads.
///
/// Throws UnsupportedOperator where the program has what the archive can't hold, and Error where it can't be written; a
/// file that was there is left alone then.
void write_program(const Graph& graph, const CallSpec& call, const StackTexts::SourceLine& source_line,
                   const std::string& path);

}  // namespace tracejet::pt2
