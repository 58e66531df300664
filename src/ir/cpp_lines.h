#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "ir/source_frame.h"

namespace tracejet {

struct CppStack;

/// The lines of the C++ code that a trace meets, from its debug information. Stacks are noted cheaply, as addresses,
/// and become lines when they are asked for. Several threads may ask. Its stacks share it.
class CppLines : public std::enable_shared_from_this<CppLines> {
 public:
  /// The stack at this point; null where tracejet was built without libbacktrace.
  std::shared_ptr<const CppStack> capture();
  /// The model's frames, outermost first: without PyTorch's and tracejet's own, and without what called the trace. Code
  /// without debug information has none.
  std::vector<SourceFrame> frames_of(const CppStack& stack);

 private:
  struct Code {
    bool is_ours = false;             ///< of tracejet's library
    std::vector<SourceFrame> frames;  ///< more than one where functions were inlined, the innermost first
  };

  const Code& known(void* return_address);

  std::mutex mutex_;
  std::unordered_map<void*, Code> known_;
};

/// Where C++ code was.
struct CppStack {
  std::vector<void*> addresses;  ///< that calls return to, the innermost first
  std::shared_ptr<CppLines> lines;

  std::vector<SourceFrame> model_frames() const { return lines->frames_of(*this); }
};

}  // namespace tracejet
