#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engines/engine.h"
#include "ir/graph.h"

namespace tracejet::aten {

/// Runs the graph as it is, operator by operator, through PyTorch's dispatcher: what no other engine takes. Values are
/// freed after their last use.
/// Throws UnsupportedOperator, listing every operator that has no kernel for the program's device.
std::unique_ptr<Executable> prepare(std::shared_ptr<const Graph> graph, const Feeds& feeds);

/// Looks at what a call gave, one entry for each of Node::outputs(), and may put something else in its place.
using Observe = std::function<void(const Node&, std::span<c10::IValue>)>;

/// Runs the graph once. Values and errors are those of `prepare(graph, feeds)->run(values)`.
std::vector<c10::IValue> run_observed(std::shared_ptr<const Graph> graph, const Feeds& feeds,
                                      std::vector<at::Tensor> values, const Observe& observe);

}  // namespace tracejet::aten
