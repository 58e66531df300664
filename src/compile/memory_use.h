#pragma once

#include <unordered_set>

#include "engines/runtime_sizes.h"
#include "ir/graph.h"

namespace tracejet {

/// The inputs that as_strided counts elements of, directly or in what is computed from them and may lie alike.
std::unordered_set<const Value*> inputs_read_by_place(const Graph& graph);

/// The same values as they lie in memory: conjugated, negated and all-zero tensors may only say what they are.
at::Tensor materialized(const at::Tensor& tensor);

/// Whether a tensor has the strides that were traced, and begins where its memory does.
bool lies_as_traced(const at::Tensor& tensor, const TensorMeta& traced, const RuntimeSizes& sizes);

}  // namespace tracejet
