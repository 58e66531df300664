#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>

namespace tracejet {

/// How a process is made of this one: fork(), with what has to happen around it.
using Fork = std::function<pid_t()>;

/// How a child process ended.
struct ChildEnd {
  /// "crashed with signal 11 (Segmentation fault)", "ended the process with status 3"; nullopt where nothing did.
  std::optional<std::string> crash;
  bool is_late = false;  ///< it didn't end in time, and was stopped
};

/// Does work in a child process, with one thread and without what it changes or throws: only how it ends is seen.
/// Throws Error where no process can be made.
ChildEnd run_in_child(const std::function<void()>& work, std::chrono::milliseconds limit, const Fork& fork);

}  // namespace tracejet
