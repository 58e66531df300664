#include "ir/stack_texts.h"

#include <atomic>
#include <fstream>
#include <string_view>

namespace tracejet {

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

std::string text_of(const SourceFrame& frame, const StackTexts::SourceLine& source_line) {
  std::string text = "File \"" + frame.file + "\", line " + std::to_string(frame.line) + ", in " + frame.function;
  if (const std::string source = source_line(frame.file, frame.line); !source.empty()) text += "\n    " + source;
  return text;
}

struct FrameText {
  Role role;
  std::string text;
};

FrameText describe(const torch::unwind::Frame& frame, const StackTexts::SourceLine& source_line) {
  FrameText result{role_of(frame), {}};
  if (result.role != Role::kModel) return result;
  result.text = text_of({frame.filename, frame.funcname, static_cast<int64_t>(frame.lineno)}, source_line);
  return result;
}

using Stacks = std::vector<torch::CapturedTraceback*>;

std::string text_of(const std::vector<SourceFrame>& frames, const StackTexts::SourceLine& source_line) {
  std::string text;
  for (const SourceFrame& frame : frames) {
    if (!text.empty()) text += "\n  ";
    text += text_of(frame, source_line);
  }
  return text;
}

/// Each once; a subgraph's are those of another place in the model. What C++ code says of itself is text at once.
void collect(const Graph& graph, const StackTexts::SourceLine& source_line,
             std::unordered_map<const void*, std::string>& texts, Stacks& stacks) {
  for (const Node& node : graph.nodes()) {
    if (const CppStack* cpp = node.where().cpp.get(); cpp != nullptr) {
      const auto [text, is_new] = texts.try_emplace(cpp);
      if (is_new) text->second = text_of(cpp->model_frames(), source_line);
    }
    // symbolize() only reads, but asks for pointers to mutable ones.
    auto* stack = const_cast<torch::CapturedTraceback*>(node.where().stack.get());
    if (stack != nullptr && texts.emplace(stack, std::string()).second) stacks.push_back(stack);
    for (const auto& subgraph : node.subgraphs()) collect(*subgraph, source_line, texts, stacks);
  }
}

std::string stripped(const std::string& line) {
  const auto begin = line.find_first_not_of(" \t");
  if (begin == std::string::npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin);
}

std::vector<std::string> lines_of(const std::string& file) {
  std::ifstream source(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(source, line);) lines.push_back(stripped(line));
  return lines;
}

}  // namespace

namespace {

std::atomic<AroundSymbolize> around_symbolize = nullptr;

}  // namespace

void set_around_symbolize(AroundSymbolize around) { around_symbolize = around; }

torch::SymbolizedTracebacks symbolized(const std::vector<torch::CapturedTraceback*>& stacks) {
  const AroundSymbolize around = around_symbolize;
  if (around == nullptr) return torch::symbolize(stacks);
  torch::SymbolizedTracebacks result;
  around([&] { result = torch::symbolize(stacks); });
  return result;
}

StackTexts::StackTexts(const Graph& graph, const SourceLine& source_line) {
  Stacks stacks;
  collect(graph, source_line, texts_, stacks);
  if (stacks.empty()) return;

  const torch::SymbolizedTracebacks symbolized = tracejet::symbolized(stacks);
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
    texts_[stacks[i]] = std::move(text);
  }
}

const std::string& StackTexts::of(const Location& where) const {
  static const std::string kNothing;
  if (where.text != nullptr) return *where.text;
  const void* stack = where.stack.get();
  const auto found = texts_.find(where.cpp == nullptr ? stack : where.cpp.get());
  return found == texts_.end() ? kNothing : found->second;
}

StackTexts::SourceLine read_source_lines() {
  return [files = std::unordered_map<std::string, std::vector<std::string>>()](const std::string& file,
                                                                               int64_t line) mutable {
    auto known = files.find(file);
    if (known == files.end()) known = files.emplace(file, lines_of(file)).first;
    const auto& lines = known->second;
    return line >= 1 && static_cast<size_t>(line) <= lines.size() ? lines[static_cast<size_t>(line) - 1]
                                                                  : std::string();
  };
}

}  // namespace tracejet
