#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/source_frame.h"
#include <tracejet/report.h>

namespace tracejet {

/// Notes the running Python frames; cheap, because nothing becomes text yet. Empty where no Python runs.
std::shared_ptr<torch::CapturedTraceback> capture_stack();

/// The user's frames of a stack, outermost first. Frames of PyTorch and of tracejet, and everything that called the
/// trace, are left out.
std::vector<SourceFrame> user_frames(const torch::CapturedTraceback& stack);

ModelLine line_of(const Location& where, const Graph& graph);

/// "  model.py:41 in forward: y = torch.cat([a, b, c], 1)\n  in encoder.layers.3 (Block)", for error messages.
std::string describe(const Location& where, const Graph& graph);

}  // namespace tracejet
