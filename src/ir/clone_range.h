#pragma once

#include <memory>
#include <span>
#include <vector>

#include "ir/graph.h"

namespace tracejet {

/// Some nodes of a program as a program of their own.
struct ClonedRange {
  std::shared_ptr<Graph> graph;
  /// What each input and each output of it is in the whole program.
  std::vector<const Value*> inputs;
  std::vector<const Value*> outputs;
};

/// Whether a node only reads a number from tensors (`.item()`), so that it may run once more where that is needed.
bool reads_number(const Node& node);

/// Clones nodes, given in the order of execution, into a graph of their own.
///
/// What they read from outside are its inputs: weights as they are, everything else (buffers that the program writes
/// to, too) as a user's. What is read outside, or given by the program, are its outputs. Symbols stay readable: where
/// no such input tells one, the value that tells it in the whole program becomes an input, or an output where the nodes
/// compute it. A runtime scalar (`.item()`) doesn't cross the cut, the tensor that it is read from does: the call that
/// reads it is cloned, too.
///
/// `copied`: some of the nodes, which everybody who needs them clones for himself, so that their values aren't outputs.
///
/// Throws Error where another node both needs a value of these and computes one for them; UnsupportedOperator where a
/// scalar would have to cross that nothing but a call of its own can compute.
ClonedRange clone_range(const Graph& graph, std::span<const Node* const> nodes,
                        std::span<const Node* const> copied = {});

}  // namespace tracejet
