#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include <ATen/core/Tensor.h>

#include "ir/graph.h"

namespace tracejet::aten {

/// The tensors of a graph that are the same in every run, and those that a pass makes of them.
class Weights {
 public:
  explicit Weights(Graph& graph);

  /// Undefined where it isn't a weight, or its data isn't on the device where the program has it.
  at::Tensor data(const Value* value) const;
  /// Adds one as a constant of the graph.
  const Value& add(const at::Tensor& data, const std::string& name);

 private:
  Graph& graph_;
  std::unordered_map<const Value*, at::Tensor> data_;
  std::unordered_set<std::string> names_;
};

}  // namespace tracejet::aten
