#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engines/engine.h"
#include "ir/graph.h"

namespace tracejet {

/// Which engine each node of a program is for: the first of those in order of preference that doesn't refuse it.
class Assignment {
 public:
  Assignment(const Graph& graph, std::vector<std::shared_ptr<const Engine>> engines);

  const std::vector<std::shared_ptr<const Engine>>& engines() const { return engines_; }
  /// `node`: of the program, or of something that it runs.
  void refuse(size_t engine, const Node& node, const std::string& reason);
  const std::unordered_map<const Node*, std::string>& refused(size_t engine) const { return refused_[engine]; }
  bool takes(size_t engine, const Node& node) const { return !refused_[engine].contains(&node); }
  /// Whether an engine takes all nodes, as far as is known.
  bool takes_all(size_t engine) const { return refused_[engine].empty(); }
  /// How many nodes engines refuse so far.
  size_t count() const;
  /// Nullopt where all of them refuse it.
  std::optional<size_t> engine_of(const Node& node) const;
  /// Why a node isn't on the first engine; empty where it is.
  std::string reason(const Node& node) const;
  /// The node of the program itself that runs this one.
  const Node& outermost(const Node& node) const;

 private:
  void find_nested(const Graph& graph, const Node& outermost);

  std::vector<std::shared_ptr<const Engine>> engines_;
  std::unordered_map<const Node*, const Node*> outermost_;             // of nodes in subgraphs
  std::vector<std::unordered_map<const Node*, std::string>> refused_;  // by engine
};

}  // namespace tracejet
