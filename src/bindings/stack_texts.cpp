#include "bindings/stack_texts.h"

namespace tracejet::python {

StackTexts::StackTexts(const Graph& graph, const py::object& source_line)
    : texts_(graph,
             [&](const std::string& file, int64_t line) { return py::cast<std::string>(source_line(file, line)); }) {}

py::object StackTexts::of(const Location& where) const {
  const std::string& text = texts_.of(where);
  if (text.empty()) return py::none();
  py::object& object = objects_[&text];
  if (!object) object = py::str(text);
  return object;
}

}  // namespace tracejet::python
