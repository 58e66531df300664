#pragma once

#include <cstdint>
#include <memory>

namespace torch {
struct CapturedTraceback;
}

namespace tracejet {

/// Where in the user's program something comes from. Frames are gathered cheaply and become text when printed.
struct Location {
  std::shared_ptr<const torch::CapturedTraceback> stack;  ///< null where nobody could tell
  int32_t module_frame = -1;                              ///< index into Graph::module_frames
};

}  // namespace tracejet
