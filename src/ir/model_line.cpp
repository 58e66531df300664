#include "ir/model_line.h"

#include <algorithm>
#include <charconv>
#include <regex>
#include <string_view>

#include "ir/cpp_lines.h"
#include "ir/stack_texts.h"

namespace tracejet {

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

/// Takes `File "model.py", line 41, in forward` from a line of a stack's text; false where it is another line. By hand:
/// the text may be that of a file, and std::regex takes a stack as deep as a line is long.
bool read_frame(std::string_view text, ModelLine& line) {
  constexpr std::string_view kFile = "File \"", kLine = "\", line ", kFunction = ", in ";
  const size_t begin = text.find(kFile);
  if (begin == text.npos) return false;
  text.remove_prefix(begin + kFile.size());
  const size_t file_end = text.find('"');
  if (file_end == text.npos || !text.substr(file_end).starts_with(kLine)) return false;
  const std::string_view rest = text.substr(file_end + kLine.size());
  int64_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  const std::string_view behind = rest.substr(static_cast<size_t>(end - rest.data()));
  if (error != std::errc() || !behind.starts_with(kFunction)) return false;
  line.file = text.substr(0, file_end);
  line.line = number;
  line.function = behind.substr(kFunction.size());
  return true;
}

/// The innermost frame of a stack's text, and the line of code below it.
void read_innermost(std::string_view text, ModelLine& line) {
  bool is_below_frame = false;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view each = text.substr(begin, end - begin);
    begin = end + 1;
    const bool is_frame = read_frame(each, line);
    if (is_frame) line.text.clear();
    if (is_below_frame && !is_frame) line.text = each.substr(std::min(each.find_first_not_of(" \t"), each.size()));
    is_below_frame = is_frame;
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

std::vector<SourceFrame> frames_at(const Location& where) {
  if (where.cpp != nullptr) return where.cpp->model_frames();
  return where.stack == nullptr ? std::vector<SourceFrame>() : user_frames(*where.stack);
}

}  // namespace

ModelLine line_of(const Location& where, const Graph& graph) {
  ModelLine line;
  if (where.text != nullptr) read_innermost(*where.text, line);
  const std::vector<SourceFrame> frames = frames_at(where);
  if (!frames.empty()) {
    const SourceFrame& innermost = innermost_of_model(frames);
    line.file = innermost.file;
    line.line = innermost.line;
    line.function = innermost.function;
    line.text = innermost.text();
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
