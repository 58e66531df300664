#pragma once

#include <string>
#include <vector>

#include <torch/csrc/jit/api/module.h>

#include <tracejet/trace.h>

namespace tracejet {

/// Traces the forward of a TorchScript module, scripted or traced (`torch::jit::load("model.pt")`), and gives its
/// program; see trace.h. One Input for each tensor that forward takes, in its order; what has a default keeps it.
///
/// Sizes stay symbols. Branches and loops go the way that sizes and constants say, loops over a static range are
/// unrolled; `if` on data is torch.cond where both ways give tensors and write to none, and DataDependent elsewhere.
/// Buffers that forward writes or sets are part of the program. The module is unchanged.
Program trace(const torch::jit::Module& module, const std::vector<Input>& inputs, const TraceOptions& options = {});

/// Reports what keeps sizes from varying as declared; see trace.h.
Report diagnose(const torch::jit::Module& module, const std::vector<Input>& inputs, const TraceOptions& options = {});

}  // namespace tracejet
