#pragma once

#include <unordered_map>

#include <torch/csrc/utils/pybind.h>

#include "ir/graph.h"

namespace tracejet::python {

/// The text of `node.meta["stack_trace"]` for every stack of a graph, as PyTorch's exporter writes it: the frames of
/// the model, outermost first, `File "model.py", line 41, in forward` and the source line below.
///
/// Stacks are symbolized all together, because they share most of their frames.
class StackTexts {
 public:
  /// `source_line(file, line)` gives the text of a line, "" where it can't be read.
  StackTexts(const Graph& graph, const py::object& source_line);

  /// None where nothing is known.
  py::object of(const Location& where) const;

 private:
  std::unordered_map<const torch::CapturedTraceback*, py::object> texts_;
};

}  // namespace tracejet::python
