#include "ir/model_line.h"

#include <algorithm>
#include <fstream>
#include <regex>
#include <string_view>

#include "ir/stack_texts.h"

namespace tracejet {

std::string SourceFrame::text() const {
  std::ifstream source(file);
  std::string content;
  for (int64_t i = 0; i < line; ++i) {
    if (!std::getline(source, content)) return {};
  }
  const auto begin = content.find_first_not_of(" \t");
  return begin == std::string::npos ? std::string() : content.substr(begin);
}

std::shared_ptr<torch::CapturedTraceback> capture_stack() {
  return torch::CapturedTraceback::gather(/*python=*/true, /*script=*/true, /*cpp=*/false);
}

namespace {

bool belongs_to_package(std::string_view file, std::string_view package) {
  const std::string folder = "/" + std::string(package) + "/";
  return file.find(folder) != std::string_view::npos;
}

bool is_ours(const torch::unwind::Frame& frame) {
  return belongs_to_package(frame.filename, "python/tracejet") ||
         belongs_to_package(frame.filename, "site-packages/tracejet");
}

bool is_trace_entry(const torch::unwind::Frame& frame) {
  return is_ours(frame) && frame.filename.ends_with("/api/trace.py");
}

bool is_internal(const torch::unwind::Frame& frame) {
  return belongs_to_package(frame.filename, "site-packages/torch") || is_ours(frame) || frame.filename.starts_with('<');
}

}  // namespace

std::vector<SourceFrame> user_frames(const torch::CapturedTraceback& stack) {
  // symbolize() only reads, but asks for pointers to mutable ones.
  const torch::SymbolizedTracebacks symbolized = tracejet::symbolized({const_cast<torch::CapturedTraceback*>(&stack)});
  std::vector<SourceFrame> frames;
  const auto& innermost_first = symbolized.tracebacks.at(0);
  for (auto index = innermost_first.rbegin(); index != innermost_first.rend(); ++index) {
    const torch::unwind::Frame& frame = symbolized.all_frames.at(*index);
    if (is_trace_entry(frame)) {
      frames.clear();  // whoever called the trace isn't part of the model
    } else if (!is_internal(frame)) {
      frames.push_back({frame.filename, frame.funcname, static_cast<int64_t>(frame.lineno)});
    }
  }
  return frames;
}

std::string ModelLine::code() const {
  if (file.empty()) return {};
  return file + ":" + std::to_string(line) + " in " + function + (text.empty() ? "" : ": " + text);
}

std::string ModelLine::module() const {
  if (module_type.empty()) return {};
  const std::string type = module_type.substr(module_type.rfind('.') + 1);
  return (module_path.empty() ? "the model" : module_path) + " (" + type + ")";
}

namespace {

/// The innermost frame of a stack's text: `File "model.py", line 41, in forward` and, below, the line of code.
void read_innermost(const std::string& text, ModelLine& line) {
  static const std::regex frame(R"re(File "([^"]*)", line (\d+), in ([^\n]*)(?:\n\s*([^\n]*))?)re");
  const auto frames = std::sregex_iterator(text.begin(), text.end(), frame);
  for (auto found = frames; found != std::sregex_iterator(); ++found) {
    line.file = (*found)[1];
    line.line = std::stoll((*found)[2]);
    line.function = (*found)[3];
    line.text = (*found)[4];
  }
}

}  // namespace

namespace {

/// Python's own modules and NumPy are called by a model; they don't make one.
bool is_of_library(const SourceFrame& frame) {
  static const std::regex library(R"re(/lib/python3\.\d+/(?!(site|dist)-packages/)|/(site|dist)-packages/numpy/)re");
  return std::regex_search(frame.file, library);
}

const SourceFrame& innermost_of_model(const std::vector<SourceFrame>& frames) {
  const auto found = std::find_if_not(frames.rbegin(), frames.rend(), &is_of_library);
  return found == frames.rend() ? frames.back() : *found;
}

}  // namespace

ModelLine line_of(const Location& where, const Graph& graph) {
  ModelLine line;
  if (where.text != nullptr) read_innermost(*where.text, line);
  if (where.stack != nullptr) {
    const std::vector<SourceFrame> frames = user_frames(*where.stack);
    if (!frames.empty()) {
      const SourceFrame& innermost = innermost_of_model(frames);
      line.file = innermost.file;
      line.line = innermost.line;
      line.function = innermost.function;
      line.text = innermost.text();
    }
  }
  if (where.module_frame >= 0) {
    const ModuleFrame& module = graph.module_frames()[static_cast<size_t>(where.module_frame)];
    line.module_path = module.path;
    line.module_type = module.type;
  }
  return line;
}

std::string describe(const Location& where, const Graph& graph) {
  const ModelLine line = line_of(where, graph);
  std::string text;
  if (const std::string code = line.code(); !code.empty()) text += "  " + code;
  if (const std::string module = line.module(); !module.empty()) text += (text.empty() ? "  in " : "\n  in ") + module;
  return text;
}

}  // namespace tracejet
