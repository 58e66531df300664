#pragma once

#include <deque>
#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/stack.h>

#include "graph/call.h"
#include "graph/graph.h"

namespace tracejet::testing {

/// What a rule has to predict of a real tensor.
TensorMeta meta_of(const at::Tensor& tensor);

/// A call's arguments as a graph has them, made from real ones. Owns the values.
class Arguments {
 public:
  using Describe = std::function<TensorMeta(const at::Tensor&)>;

  explicit Arguments(const torch::jit::Stack& stack, const Describe& describe = meta_of);
  const std::vector<Argument>& list() const { return list_; }

 private:
  std::deque<Value> values_;
  std::vector<Argument> list_;
};

/// The tensors among the results of a call, lists flattened.
std::vector<at::Tensor> tensors_of(const torch::jit::Stack& results);

/// Calls the operator eagerly and gives its results.
torch::jit::Stack call(const c10::OperatorHandle& op, torch::jit::Stack arguments);

}  // namespace tracejet::testing
