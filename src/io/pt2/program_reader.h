#pragma once

#include <memory>

#include "io/pt2/archive_reader.h"
#include "io/pt2/call_spec.h"

namespace tracejet::pt2 {

/// A program of a file, and how it is called.
struct ReadProgram {
  std::shared_ptr<Graph> graph;
  CallSpec call;
  bool writes_in_place = false;  ///< calls write to their arguments, which no other Graph's do
};

/// Reads a program that torch.export.save or write_program() wrote. Nothing of the file is run or unpickled; weights
/// are mapped. `checks_weights`: they are read all the same, to compare their checksums.
///
/// One that writes in place (what torch.export.export gives of a model with state) is traced anew as one that doesn't.
///
/// Throws Error, naming the file and what is wrong with it, and UnsupportedOperator where the program has what a Graph
/// can't hold.
ReadProgram read_program(const ArchiveReader& archive, bool checks_weights);

/// The same, but for the trace.
ReadProgram read_as_saved(const ArchiveReader& archive, bool checks_weights);

}  // namespace tracejet::pt2
