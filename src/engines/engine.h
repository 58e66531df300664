#pragma once

#include <span>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "ir/unsupported.h"

namespace tracejet {

/// A program that an engine has made ready to run. Safe to call from several threads at once.
class Executable {
 public:
  virtual ~Executable() = default;

  /// Takes the graph inputs that exist when the program runs (see Feeds), checked by the caller, and gives one value
  /// for each graph output that has one, in order: a tensor, or a number where the output is a runtime scalar. A number
  /// that is computed from runtime scalars is such an output, too.
  virtual std::vector<c10::IValue> run(std::vector<at::Tensor> feeds) const = 0;

  /// Nodes that it runs, but otherwise than PyTorch for data that only a run has.
  virtual std::vector<Unsupported> warnings() const { return {}; }

  /// Whether tensors may have other ranks in a run than in the graph, where sizes of 1 take axes away.
  virtual bool takes_ranks_from_data() const { return false; }
};

/// The inputs of a graph that exist when it runs, as indices into Graph::inputs(), ascending: the user's tensors, and
/// the buffers that the program itself changes. All others are weights, which an engine may fold and repack.
using Feeds = std::vector<size_t>;

}  // namespace tracejet
