#pragma once

#include <unordered_set>
#include <vector>

#include "engines/aten/passes/weights.h"
#include "ir/graph.h"

namespace tracejet::aten {

/// As it was traced.
bool is_contiguous(const TensorMeta& meta);

/// Whether elements are taken by their place in memory, which changes with the layout of what is computed before.
bool counts_places(const Graph& graph);

/// Whether a convolution of images gives channels last, since its weight lies so.
bool has_channels_last(const Graph& graph, const Weights& weights);

/// The results of a program that are computed from these nodes, each once.
std::vector<const Value*> results_from(const Graph& graph, const std::unordered_set<const Node*>& nodes);

/// A call before another one, which gives one contiguous tensor of these sizes, otherwise as `meta`.
const Value& insert_contiguous(Graph& graph, const Node& before, c10::OperatorHandle op,
                               std::vector<Argument> arguments, TensorMeta meta, const Sizes& sizes);

/// Makes a value contiguous for all who read it.
void make_contiguous(Graph& graph, const Value& value);

}  // namespace tracejet::aten
