#include "ir/cpp_lines.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include <c10/util/Type.h>
#include <torch/csrc/profiler/unwind/unwind.h>

#if __has_include(<backtrace.h>)
#include <backtrace.h>
#endif

namespace tracejet {

namespace {

/// Empty where nobody knows.
std::string library_of(void* code) {
  const auto found = torch::unwind::libraryFor(code);
  return found ? found->first : std::string();
}

bool is_named(std::string_view path, std::string_view prefix) {
  return path.substr(path.find_last_of('/') + 1).starts_with(prefix);
}

/// Libraries that hold no line of a model, and are large.
bool is_of_others(std::string_view library) {
  constexpr std::array kOthers{"libtorch", "libc10", "libstdc++", "libc.", "libm.", "libgomp", "libgcc_s", "ld-linux"};
  return std::ranges::any_of(kOthers, [&](std::string_view other) { return is_named(library, other); });
}

/// Templates of headers are compiled into the user's code.
bool is_of_header(std::string_view file) {
  constexpr std::array kHeaders{"/include/torch/", "/include/ATen/",     "/include/c10/",
                                "/include/c++/",   "/include/tracejet/", "/usr/include/"};
  return std::ranges::any_of(kHeaders, [&](std::string_view header) { return file.find(header) != file.npos; });
}

/// `Net::forward(at::Tensor const&) const` without its arguments.
std::string_view without_arguments(std::string_view function) {
  const size_t end = function.rfind(')');
  if (end == function.npos || function.ends_with("operator()")) return function;
  int open = 0;
  for (size_t i = end + 1; i-- > 0;) {
    if (function[i] == ')') ++open;
    if (function[i] == '(' && --open == 0) return function.substr(0, i);
  }
  return function;
}

#if __has_include(<backtrace.h>)

constexpr bool kKnowsLines = true;

void ignore(void* /*data*/, const char* /*message*/, int /*error*/) {}  // no lines, then

int add_frame(void* frames, uintptr_t /*code*/, const char* file, int line, const char* function) {
  if (file == nullptr || function == nullptr || is_of_header(file)) return 0;
  const std::string name = c10::demangle(function);
  static_cast<std::vector<SourceFrame>*>(frames)->push_back({file, std::string(without_arguments(name)), line});
  return 0;
}

/// The line of a call and, where its function was inlined, those around it; innermost first.
std::vector<SourceFrame> frames_behind(void* return_address) {
  // It reads the debug information of all that is loaded, once, and keeps it: it has no way to give it back.
  static backtrace_state* const state = backtrace_create_state(nullptr, /*threaded=*/1, &ignore, nullptr);
  std::vector<SourceFrame> frames;
  if (state == nullptr) return frames;
  backtrace_pcinfo(state, reinterpret_cast<uintptr_t>(return_address) - 1, &add_frame, &ignore, &frames);
  return frames;
}

#else

constexpr bool kKnowsLines = false;

std::vector<SourceFrame> frames_behind(void* /*return_address*/) { return {}; }

#endif

}  // namespace

std::shared_ptr<const CppStack> CppLines::capture() {
  if constexpr (!kKnowsLines) return nullptr;
  return std::make_shared<CppStack>(torch::unwind::unwind(), shared_from_this());
}

const CppLines::Code& CppLines::known(void* return_address) {
  const auto [found, is_new] = known_.try_emplace(return_address);
  if (!is_new) return found->second;
  const std::string library = library_of(return_address);
  found->second.is_ours = is_named(library, "libtracejet_core.");
  if (!library.empty() && !found->second.is_ours && !is_of_others(library))
    found->second.frames = frames_behind(return_address);
  return found->second;
}

std::vector<SourceFrame> CppLines::frames_of(const CppStack& stack) {
  const std::scoped_lock lock(mutex_);
  std::vector<SourceFrame> frames;
  bool is_called_by_ours = false;
  for (auto each = stack.addresses.rbegin(); each != stack.addresses.rend(); ++each) {
    const Code& code = known(*each);
    is_called_by_ours |= code.is_ours;
    if (is_called_by_ours) frames.insert(frames.end(), code.frames.rbegin(), code.frames.rend());
  }
  return frames;
}

}  // namespace tracejet
