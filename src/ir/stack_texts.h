#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include <torch/csrc/profiler/combined_traceback.h>

#include "ir/cpp_lines.h"
#include "ir/graph.h"

namespace tracejet {

/// What a front end does around the reading of stacks.
using AroundSymbolize = void (*)(const std::function<void()>& symbolize);
void set_around_symbolize(AroundSymbolize around);

/// torch::symbolize(), as the front end wants it.
torch::SymbolizedTracebacks symbolized(const std::vector<torch::CapturedTraceback*>& stacks);

/// The text of `node.meta["stack_trace"]` for every stack of a graph, as PyTorch's exporter writes it: the frames of
/// the model, outermost first, `File "model.py", line 41, in forward` and the source line below.
///
/// Stacks are symbolized all together, because they share most of their frames.
class StackTexts {
 public:
  /// The text of a line without indentation; "" where it can't be read.
  using SourceLine = std::function<std::string(const std::string& file, int64_t line)>;

  StackTexts(const Graph& graph, const SourceLine& source_line);

  /// "" where nothing is known.
  const std::string& of(const Location& where) const;

 private:
  std::unordered_map<const void*, std::string> texts_;  ///< by the stack, of either kind
};

/// Reads the lines of source files, each file once.
StackTexts::SourceLine read_source_lines();

}  // namespace tracejet
