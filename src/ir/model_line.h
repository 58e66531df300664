#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace tracejet {

/// One line of the user's program.
struct SourceFrame {
  std::string file;
  std::string function;
  int64_t line = 0;
  /// The text of that line, without indentation; empty where the file can't be read.
  std::string text() const;
};

/// The line of the user's program that a trace was at, and the module that was running.
struct ModelLine {
  std::string file;  ///< Empty where no line is known.
  int64_t line = 0;
  std::string function;
  std::string text;         ///< Empty where the file can't be read.
  std::string module_path;  ///< "encoder.layers.3"; empty for the model itself.
  std::string module_type;  ///< Empty where no module was running.

  /// "model.py:41 in forward: y = torch.cat([a, b, c], 1)"; empty where no line is known.
  std::string code() const;
  /// "encoder.layers.3 (Block)"; empty where no module was running.
  std::string module() const;
};

/// Notes the running Python frames; cheap, because nothing becomes text yet. Empty where no Python runs.
std::shared_ptr<torch::CapturedTraceback> capture_stack();

/// The user's frames of a stack, outermost first. Frames of PyTorch and of tracejet, and everything that called the
/// trace, are left out.
std::vector<SourceFrame> user_frames(const torch::CapturedTraceback& stack);

ModelLine line_of(const Location& where, const Graph& graph);

/// "  model.py:41 in forward: y = torch.cat([a, b, c], 1)\n  in encoder.layers.3 (Block)", for error messages.
std::string describe(const Location& where, const Graph& graph);

}  // namespace tracejet
