#include "bindings/stack_texts.h"

#include <string_view>

#include <torch/csrc/profiler/combined_traceback.h>

namespace tracejet::python {

namespace {

enum class Role { kModel, kInternal, kTraceEntry };

/// PyTorch's own frames say nothing to the reader, but for the `forward` of a layer, which shows what was computed.
Role role_of(const torch::unwind::Frame& frame) {
  const std::string_view file = frame.filename;
  const auto within = [&](std::string_view folder) { return file.find(folder) != std::string_view::npos; };
  if (within("tracejet/patches/module_calls.py")) return Role::kInternal;  // stands between a module and its caller
  if (within("python/tracejet/") || within("site-packages/tracejet/")) return Role::kTraceEntry;
  if (within("/torch/nn/modules/")) return frame.funcname == "forward" ? Role::kModel : Role::kInternal;
  if (within("site-packages/torch/") || file.starts_with('<')) return Role::kInternal;
  return Role::kModel;
}

struct FrameText {
  Role role;
  std::string text;
};

FrameText describe(const torch::unwind::Frame& frame, const py::object& source_line) {
  FrameText result{role_of(frame), {}};
  if (result.role != Role::kModel) return result;
  result.text = "File \"" + frame.filename + "\", line " + std::to_string(frame.lineno) + ", in " + frame.funcname;
  const auto source = py::cast<std::string>(source_line(frame.filename, frame.lineno));
  if (!source.empty()) result.text += "\n    " + source;
  return result;
}

}  // namespace

StackTexts::StackTexts(const Graph& graph, const py::object& source_line) {
  std::vector<torch::CapturedTraceback*> stacks;
  for (const Node& node : graph.nodes()) {
    // symbolize() only reads, but asks for pointers to mutable ones.
    auto* stack = const_cast<torch::CapturedTraceback*>(node.where().stack.get());
    if (stack != nullptr && texts_.emplace(stack, py::none()).second) stacks.push_back(stack);
  }
  if (stacks.empty()) return;

  const torch::SymbolizedTracebacks symbolized = torch::symbolize(stacks);
  std::vector<std::optional<FrameText>> frames(symbolized.all_frames.size());
  for (size_t i = 0; i < stacks.size(); ++i) {
    std::string text;
    const auto& innermost_first = symbolized.tracebacks[i];
    for (auto index = innermost_first.rbegin(); index != innermost_first.rend(); ++index) {
      auto& frame = frames[*index];
      if (!frame) frame = describe(symbolized.all_frames[*index], source_line);
      if (frame->role == Role::kTraceEntry) text.clear();  // whoever called the trace isn't part of the model
      if (frame->role != Role::kModel) continue;
      if (!text.empty()) text += "\n  ";
      text += frame->text;
    }
    if (!text.empty()) texts_[stacks[i]] = py::str(text);
  }
}

py::object StackTexts::of(const Location& where) const {
  if (where.text != nullptr) return py::str(*where.text);
  const auto found = texts_.find(where.stack.get());
  return found == texts_.end() ? py::none() : found->second;
}

}  // namespace tracejet::python
