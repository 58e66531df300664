#pragma once

#include <string>
#include <utility>
#include <vector>

#include "io/pt2/call_spec.h"
#include "ir/own_state.h"
#include "ir/stack_texts.h"

namespace tracejet::pt2 {

/// What goes into an archive beside a program.
struct Additions {
  std::vector<std::pair<std::string, std::string>> entries;  ///< name, content
  /// What some inputs hold in the place of the graph's own tensors, by their index.
  OwnState state;
};

/// Writes a program as a .pt2 archive that torch.export.load reads.
///
/// Throws UnsupportedOperator where the program has what the archive can't hold, and Error where it can't be written; a
/// file that was there is left alone then.
void write_program(const Graph& graph, const CallSpec& call, const StackTexts::SourceLine& source_line,
                   const std::string& path, const Additions& additions = {});

}  // namespace tracejet::pt2
