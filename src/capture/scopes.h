#pragma once

#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include <ATen/core/Tensor.h>

#include "ir/graph.h"
#include "symbolic/context.h"

namespace tracejet {

/// A tensor from outside that has become an input of the graph.
struct Lifted {
  at::Tensor real;      ///< also keeps the address by which it is found in use
  at::Tensor stand_in;  ///< functional: takes the writes
  const Value* value;   ///< its content before any write
};

/// A graph that is being recorded, with the tensors from outside that it has met: real ones for the program's graph,
/// all tensors of the graph around it for a subgraph.
struct Scope {
  Scope(std::shared_ptr<Graph> graph, size_t around) : graph(std::move(graph)), around(around) {}

  Lifted& add_lifted(const at::Tensor& tensor, at::Tensor stand_in, const Value* value);

  std::shared_ptr<Graph> graph;
  size_t around;  ///< of a subgraph: the scope in which its call is recorded
  std::unordered_map<const c10::TensorImpl*, Lifted> lifted;
  std::vector<const Value*> captured;                     ///< of a subgraph: what it takes from outside, ...
  std::unordered_map<const Value*, const Value*> inputs;  ///< ... and what stands for it inside
};

/// The graphs that are being recorded: the program's, then those of the subgraphs at hand.
class Scopes {
 public:
  explicit Scopes(std::shared_ptr<Graph> program);
  Scopes(const Scopes&) = delete;
  Scopes& operator=(const Scopes&) = delete;

  /// Another graph in the place of the program's, which is empty still.
  void set_program(std::shared_ptr<Graph> graph) { scopes_.front().graph = std::move(graph); }

  Scope& at_hand() { return scopes_[at_hand_]; }
  const std::shared_ptr<Graph>& graph() const { return scopes_[at_hand_].graph; }
  symbolic::Context& shapes() const { return graph()->shapes(); }
  bool in_subgraph() const { return at_hand_ > 0; }
  const Scope& program() const { return scopes_.front(); }

  /// What stands for a value of the graph at hand below functionalization, ...
  at::Tensor make_traced(const Value& value) const;
  /// ... and above it.
  at::Tensor make_functional(const Value& value) const;
  /// What a traced tensor, or a functional one that wraps it, holds now, all writes to it and to its views applied.
  /// Throws where it belongs to another graph than the one at hand.
  const Value& current_value(const at::Tensor& tensor) const;
  /// Whether a subgraph is being recorded, and the tensor stands for a value of a graph around it.
  bool is_from_around(const at::Tensor& tensor) const;

 private:
  friend class SubgraphScope;
  friend class ParentScope;

  [[noreturn]] void throw_of_another_graph(const Graph& graph) const;

  std::deque<Scope> scopes_;
  size_t at_hand_ = 0;
  std::vector<std::shared_ptr<Graph>> subgraphs_;  ///< all of them, so that no value's address is used again
};

/// While it lives, calls are recorded into a new subgraph.
class SubgraphScope {
 public:
  explicit SubgraphScope(Scopes& scopes);
  SubgraphScope(const SubgraphScope&) = delete;
  SubgraphScope& operator=(const SubgraphScope&) = delete;
  ~SubgraphScope();

 private:
  Scopes& scopes_;
};

/// While it lives, calls are recorded into the graph around the subgraph at hand.
class ParentScope {
 public:
  explicit ParentScope(Scopes& scopes) : scopes_(scopes), inner_(scopes.at_hand_) {
    scopes.at_hand_ = scopes.at_hand().around;
  }
  ParentScope(const ParentScope&) = delete;
  ParentScope& operator=(const ParentScope&) = delete;
  ~ParentScope() { scopes_.at_hand_ = inner_; }

 private:
  Scopes& scopes_;
  size_t inner_;
};

}  // namespace tracejet
