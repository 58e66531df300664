#include "bindings/stack_texts.h"

namespace tracejet::python {

namespace {

/// In the place of a module of PyTorch's that nobody has imported.
class StandIn {
 public:
  StandIn() : torch_(py::module_::import("torch").attr("__dict__")) {
    if (py::module_::import("sys").attr("modules").contains("torch._inductor") || torch_.contains(kName)) return;
    object_ = py::module_::import("types").attr("SimpleNamespace")();
    torch_[kName] = object_;
  }
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;
  ~StandIn() {
    // Another thread may have imported it.
    if (object_ && PyDict_GetItemString(torch_.ptr(), kName) == object_.ptr())
      PyDict_DelItemString(torch_.ptr(), kName);
  }

 private:
  static constexpr const char* kName = "_inductor";
  py::dict torch_;
  py::object object_;
};

}  // namespace

void leave_inductor_alone() {
  set_around_symbolize([](const std::function<void()>& symbolize) {
    const py::gil_scoped_acquire gil;
    const StandIn inductor;
    symbolize();
  });
}

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
