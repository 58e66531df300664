#pragma once

#include <unordered_map>

#include <torch/csrc/utils/pybind.h>

#include "ir/stack_texts.h"

namespace tracejet::python {

/// Keeps PyTorch from importing TorchInductor, for seconds, when it turns stacks into text: it looks for code that
/// TorchInductor has generated, of which there is none before the import.
void leave_inductor_alone();

/// The text of `node.meta["stack_trace"]` as Python's strings, each made once.
class StackTexts {
 public:
  /// `source_line(file, line)` gives the text of a line, "" where it can't be read.
  StackTexts(const Graph& graph, const py::object& source_line);

  /// None where nothing is known.
  py::object of(const Location& where) const;

 private:
  tracejet::StackTexts texts_;
  mutable std::unordered_map<const std::string*, py::object> objects_;
};

}  // namespace tracejet::python
