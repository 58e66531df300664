#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace torch {
struct CapturedTraceback;
}

namespace tracejet {

struct CppStack;

/// Where in the user's program something comes from. Frames are gathered cheaply and become text when printed.
struct Location {
  std::shared_ptr<const torch::CapturedTraceback> stack;  ///< null where nobody could tell
  int32_t module_frame = -1;                              ///< index into Graph::module_frames
  /// In the place of the stack, its text as the trace that a program comes from has written it (see StackTexts).
  std::shared_ptr<const std::string> text;
  std::shared_ptr<const CppStack> cpp;  ///< of C++ code; see CppLines
};

}  // namespace tracejet
