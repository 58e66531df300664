#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "ir/graph.h"
#include "verify/side_by_side.h"
#include "verify/trial_sizes.h"

namespace tracejet {

struct SuitableInputs {
  std::vector<at::Tensor> inputs;  ///< the user's tensors
  Outcome expected;                ///< what `eager` makes of them
};

/// Random inputs that a program takes, and of which it makes finite numbers where that is to be had.
/// Throws InvalidInput where `eager` fails on all that were drawn.
SuitableInputs suitable_inputs(const Graph& graph, const Trial& trial, uint64_t seed,
                               const std::function<Outcome(const std::vector<at::Tensor>&)>& eager);

}  // namespace tracejet
