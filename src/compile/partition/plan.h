#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engines/engine.h"
#include "ir/graph.h"

namespace tracejet {

/// Some nodes of a program that one engine runs, as a program of their own.
struct Part {
  std::shared_ptr<const Engine> engine;
  /// Of the whole program, in the order of execution.
  std::vector<const Node*> nodes;
  std::shared_ptr<const Graph> graph;
  /// What each input and each output of `graph` is in the whole program.
  std::vector<const Value*> inputs;
  std::vector<const Value*> outputs;

  /// The bytes of the weights that it reads, each once.
  int64_t weight_bytes() const;
};

/// A node that doesn't run on the engine that comes first, and why.
struct Fallback {
  const Node* node;
  std::string engine;  ///< where it runs
  std::string reason;  ///< "computes in complex numbers"
};

struct BodyPlan;

/// Which engine runs what of a program. Nothing is compiled.
struct PartitionPlan {
  std::shared_ptr<const Graph> graph;
  std::string preferred;    ///< the engine that comes first
  std::vector<Part> parts;  ///< in the order of execution
  std::vector<Fallback> fallbacks;
  std::vector<BodyPlan> bodies;  ///< of control flow, where it isn't PyTorch's kernels alone that run them

  /// Whether one engine runs the program as it is.
  bool is_whole() const { return parts.size() == 1 && parts.front().graph == graph; }
  /// The names of those that run parts, each once: "openvino, aten".
  std::string engines() const;
};

/// How a body of control flow is split: as a program of its own.
struct BodyPlan {
  std::shared_ptr<const Graph> around;
  const Node* node;  ///< that runs it, of `around`
  PartitionPlan plan;
};

/// The plan by which one engine runs all of a program.
PartitionPlan whole_plan(const std::shared_ptr<const Graph>& graph, std::shared_ptr<const Engine> engine);

}  // namespace tracejet
