#pragma once

#include <memory>
#include <span>
#include <unordered_map>

#include "ir/graph.h"

namespace tracejet {

/// What the outputs of a node are, as add_node() takes it.
std::vector<OutputMeta> metas_of(const Node& node);

struct GraphCopy {
  std::shared_ptr<Graph> graph;
  /// What stands in the copy for each value of the original.
  std::unordered_map<const Value*, const Value*> values;
};

/// Adds the same call to another graph. `values`: what stands there for each value that it reads; its own are added.
/// Subgraphs are shared.
const Node& copy_node(const Node& node, Graph& into, std::unordered_map<const Value*, const Value*>& values);
/// The same in front of a node of that graph (null: at its end), come from another place.
const Node& copy_node_at(const Node& node, Graph& into, std::unordered_map<const Value*, const Value*>& values,
                         const Node* before, const Location& where);

/// The same program, which gives these values besides: as outputs of the user, after its own. Data of inputs, subgraphs
/// and symbols are shared with the original.
GraphCopy copy_with_outputs(const Graph& graph, std::span<const Value* const> more);

/// The same program with weights in the place of inputs: `data` has one for each input, undefined where it stays.
GraphCopy copy_with_weights(const Graph& graph, std::span<const at::Tensor> data);

}  // namespace tracejet
