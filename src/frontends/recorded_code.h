#pragma once

#include <memory>
#include <span>
#include <vector>

#include "ir/graph.h"
#include <tracejet/trace.h>

namespace tracejet {

/// The calls that code makes, in a graph of their own, which shares the symbols and modules of another. Its inputs are
/// the operands, then the tensors from outside.
struct RecordedCode {
  std::shared_ptr<Graph> graph;
  std::vector<const Value*> results;
};

/// Runs `code` on tensors like `operands`, values of `around`, which stays as it is.
/// Throws UnsupportedOperator where the code only holds for some sizes, or writes to tensors that aren't its own.
RecordedCode record_code(const Graph& around, const Forward& code, std::span<const Value* const> operands,
                         const DecompositionTable& decompositions);

}  // namespace tracejet
