#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engines/runtime_inputs.h"
#include "ir/graph.h"

namespace tracejet {

/// The weights that a program was compiled with: all of the model's tensors that it doesn't write to itself. Engines
/// have copies of some, and of what follows from them, so that one that is written to later would count in part.
class FixedWeights {
 public:
  FixedWeights() = default;
  FixedWeights(const Graph& graph, const RuntimeInputs& runtime_inputs);

  /// Throws InvalidInput, naming them, where some were written to since. Writes by way of `.data` or NumPy leave no
  /// trace.
  void check(const Graph& graph) const;

 private:
  struct Weight {
    size_t input;  ///< of the graph's
    uint32_t version;
  };
  std::vector<Weight> weights_;
};

}  // namespace tracejet
