#pragma once

#include <unordered_map>
#include <vector>

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "engines/runtime_sizes.h"
#include "ir/graph.h"
#include "verify/input_facts.h"

namespace tracejet {

/// From where random numbers are drawn. Nobody knows what suits a program, so that several are tried, tamer and tamer.
struct Domain {
  int64_t largest;   ///< of integers that aren't known to be positions or a mask; bytes have all their range above 8
  bool is_positive;  ///< floats in [0, 1), instead of normal ones
};

/// One tensor for each of the user's.
std::vector<at::Tensor> random_inputs(const Graph& graph, const std::unordered_map<const Value*, InputFacts>& facts,
                                      const RuntimeSizes& sizes, const Domain& domain, const at::Generator& generator);

}  // namespace tracejet
