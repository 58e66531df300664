#pragma once

#include <unordered_map>

#include <torch/csrc/utils/pybind.h>

#include "ir/stack_texts.h"

namespace tracejet::python {

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
