#pragma once

#include <cstddef>
#include <map>

#include <ATen/core/Tensor.h>

#include "ir/graph.h"

namespace tracejet {

/// Tensors that a program has in the place of its graph's, by the graph's inputs: two programs of one graph may each
/// have buffers of their own.
using OwnState = std::map<size_t, at::Tensor>;

/// What the program has for an input that isn't the user's.
inline const at::Tensor& data_of(const Graph& graph, const OwnState& own, size_t input) {
  const auto found = own.find(input);
  return found == own.end() ? graph.inputs()[input].data : found->second;
}

}  // namespace tracejet
