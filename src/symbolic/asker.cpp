#include "symbolic/asker.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <link.h>
#include <span>
#include <string_view>
#include <unwind.h>
#include <utility>
#include <vector>

namespace tracejet::symbolic {

namespace {

thread_local Asker asker_at_work = Asker::kPyTorch;

/// A library that is loaded, where questions come through on their way from who asks to who answers.
struct Library {
  uintptr_t begin = 0;
  uintptr_t end = 0;
  bool is_bindings = false;  ///< of PyTorch, for Python
};

int add_library(dl_phdr_info* loaded, size_t, void* libraries) {
  static constexpr std::array kPassing{"libtracejet_core.so", "libc10.so", "libtorch_cpu.so", "libtorch.so"};
  const std::string_view path = loaded->dlpi_name == nullptr ? "" : loaded->dlpi_name;
  const std::string_view name = path.substr(path.find_last_of('/') + 1);
  const bool is_bindings = name == "libtorch_python.so";
  if (!is_bindings && std::ranges::find(kPassing, name) == kPassing.end()) return 0;
  for (const auto& segment : std::span(loaded->dlpi_phdr, loaded->dlpi_phnum)) {
    if (segment.p_type != PT_LOAD) continue;
    const uintptr_t begin = loaded->dlpi_addr + segment.p_vaddr;
    static_cast<std::vector<Library>*>(libraries)->push_back({begin, begin + segment.p_memsz, is_bindings});
  }
  return 0;
}

/// Looked up once: what takes part in a trace is loaded before it.
const std::vector<Library>& libraries_on_the_way() {
  static const std::vector<Library> found = [] {
    std::vector<Library> libraries;
    dl_iterate_phdr(&add_library, &libraries);
    return libraries;
  }();
  return found;
}

/// Stops at the first frame outside of what only passes questions on.
_Unwind_Reason_Code find_caller(_Unwind_Context* frame, void* is_bindings) {
  const uintptr_t code = _Unwind_GetIP(frame);
  for (const Library& library : libraries_on_the_way()) {
    if (code < library.begin || code >= library.end) continue;
    if (!library.is_bindings) return _URC_NO_REASON;
    *static_cast<bool*>(is_bindings) = true;
    break;
  }
  return _URC_END_OF_STACK;
}

/// PyTorch's bindings for Python ask before they call an operator: whether `contiguous()` has anything to do. What
/// Python code asks of a tensor by a method, python/tracejet/patches/tensor_methods.py says.
bool is_called_by_bindings() {
  bool is_bindings = false;
  _Unwind_Backtrace(&find_caller, &is_bindings);
  return is_bindings;
}

}  // namespace

Asker current_asker() {
  if (asker_at_work != Asker::kCaller) return asker_at_work;
  return is_called_by_bindings() ? Asker::kPyTorch : Asker::kModel;
}

bool may_be_asked_by_model() { return asker_at_work != Asker::kPyTorch; }

AskedBy::AskedBy(Asker asker) : before_(std::exchange(asker_at_work, asker)) {}

AskedBy::~AskedBy() { asker_at_work = before_; }

}  // namespace tracejet::symbolic
